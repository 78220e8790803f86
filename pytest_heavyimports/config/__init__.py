"""What the user asks for: settings, declarations, marks."""
