/* Run every script of tests/corpus/programs/lua/ in a fresh Lua state each. */
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

extern const struct { const char *name, *start, *end; } lua_scripts[];

static int run(const char *name, const char *start, const char *end) {
    lua_State *state = luaL_newstate();
    if (!state) return 1;
    luaL_openlibs(state);
    int failed =
        luaL_loadbuffer(state, start, (size_t)(end - start), name) || lua_pcall(state, 0, 0, 0);
    if (failed) printf("%s: %s\n", name, lua_tostring(state, -1));
    lua_close(state);
    return failed;
}

int main(void) {
    int failures = 0;
    for (size_t i = 0; lua_scripts[i].name; i++) {
        printf("-- %s\n", lua_scripts[i].name);
        failures += run(lua_scripts[i].name, lua_scripts[i].start, lua_scripts[i].end);
    }
    printf("lua: %d failures\n", failures);
    return failures ? 1 : 0;
}
