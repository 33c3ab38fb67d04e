"""The clients that are measured, behind one interface."""
