/* Debian's Lua looks for modules in a directory named after the machine; there is none. */
#define DEB_HOST_MULTIARCH "none"
