"""What the bindings of both frameworks need and no framework names: arguments, tools, media, outlines, metadata.

Nothing of a framework is imported or named here; the core below imports nothing from here. A rule that one binding
applies and the other does not is a fault: it belongs here.
"""
