/* The text that the programs compress: the project's licence. */
    .section .rodata.text, "a"
    .global text_start, text_end
text_start:
    .incbin "LICENSE"
text_end:
    .byte 0
