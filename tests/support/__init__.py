"""What tests of several services share: real servers and real processes."""
