"""Where residents talk: one folder or module per channel; none knows another."""
