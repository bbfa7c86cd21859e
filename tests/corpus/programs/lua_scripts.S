/* The scripts, and a table of them for lua_main.c. */
    .macro script name
    .section .rodata.script_\name, "a"
script_\name:
    .incbin "tests/corpus/programs/lua/\name\().lua"
script_\name\()_end:
    .byte 0
    .section .rodata.script_names, "aS"
name_\name:
    .asciz "=\name"
    .section .rodata.lua_scripts, "a"
    .balign 4
    .word name_\name, script_\name, script_\name\()_end
    .endm

    .section .rodata.lua_scripts, "a"
    .balign 4
    .global lua_scripts
lua_scripts:
    script closures
    script strings
    script coroutines
    script sorting
    script collector
    script numbers
    script errors
    .word 0, 0, 0
