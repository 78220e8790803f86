"""Plain facts that every capability may know: names, places, records, costs."""
