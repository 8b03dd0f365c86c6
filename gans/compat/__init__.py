"""Stand-ins for the public interface of other packages, on our engine."""
