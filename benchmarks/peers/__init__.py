"""This plugin beside others that run tests in processes of their own, or keep a process warm."""
