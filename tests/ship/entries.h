/* How many files and folders are in a folder. */
#ifndef TESTS_SHIP_ENTRIES_H
#define TESTS_SHIP_ENTRIES_H

#include <dirent.h>
#include <string.h>

static inline int entries(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;
    if (!folder) return -1;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

#endif
