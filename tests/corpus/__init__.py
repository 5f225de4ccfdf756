"""The conformance kit: cases for parsers of leaked tool calls, as data. README.md says how to use and to extend it."""
