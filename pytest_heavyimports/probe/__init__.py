"""What importing a module brings in, seen in a clean interpreter."""
