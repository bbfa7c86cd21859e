/* On a real part a driver erases and programs this page; here it is plain memory. */
#include "settings_page.h"

__attribute__((section(".settings"))) static volatile struct settings_page memory;

void settings_page_read(struct settings_page *out) {
    *out = memory;
}

/* The magic last: a page that was left in the middle holds no settings. */
void settings_page_write(const struct settings_page *page) {
    memory.settings = page->settings;
    memory.crc = page->crc;
    memory.magic = page->magic;
}
