namespace cobble::layers { int placeholder(); int placeholder() { return 0; } }
