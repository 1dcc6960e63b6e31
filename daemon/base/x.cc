namespace cobble { const char* placeholder(); const char* placeholder() { return ""; } }
