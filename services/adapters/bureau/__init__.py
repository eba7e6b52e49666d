"""The tax bureau's collection system over HTTP (`docs/bureau-openapi.yaml`)."""
