"""Writers of data folders: the simulator and the importers of public data sets."""
