"""Serial lines: framers that know no line, and a line that knows no framing."""
