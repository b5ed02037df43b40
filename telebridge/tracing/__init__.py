"""Traces of calls for OpenTelemetry; imported only where the setting `traces.endpoint` asks for them."""
