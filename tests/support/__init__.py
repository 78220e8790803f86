"""What tests share: inner runs, installed packages, commands, simulated devices."""
