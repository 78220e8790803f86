def splits(scan): return [], []
