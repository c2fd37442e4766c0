"""ModelPusher: a version is whole where it is served from, or it is not there."""
