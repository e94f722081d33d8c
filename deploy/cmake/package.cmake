# Installation: a component a handler, and a .deb a component.
