"""Resource scheduler: carries a namespace's sync targets over to the objects in it, and takes them away again."""
