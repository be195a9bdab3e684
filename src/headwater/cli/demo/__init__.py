"""`headwater demo`: control plane, two simulated pclusters and their syncers, an application, and a drain."""
