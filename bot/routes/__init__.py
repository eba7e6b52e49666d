"""HTTP routes that are not channels."""
