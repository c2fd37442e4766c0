"""Speed and memory of what has to be fast; each script measures one part."""
