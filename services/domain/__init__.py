"""What social insurance is, without databases, networks or sentences."""
