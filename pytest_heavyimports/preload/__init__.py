"""The import of what is declared, before the tests: when it is done."""
