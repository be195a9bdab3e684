"""The reverse tunnel: many streams over one connection that the agent of a pcluster opened to the control plane."""
