local words = {}
for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do
  words[#words + 1] = word:upper():reverse()
end
print(table.concat(words, " "))
print(("%5.2f|%-8s|%08x|%q"):format(3.14159, "left", 48879, 'a "quoted"\nline'))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print((("abc"):rep(50, "-"):gsub("b", {b = "<b>"})):len())
local text = {}
for i = 1, 300 do text[#text + 1] = string.char(97 + i * 7 % 26) end
local joined = table.concat(text)
local counts = {}
for c in joined:gmatch(".") do counts[c] = (counts[c] or 0) + 1 end
print(counts.a, counts.m, counts.z, joined:find("hov", 1, true))
print(string.pack("<i4z", 305419896, "abc"):byte(1, -1))
print(utf8.char(228, 8364, 128512), utf8.len("äö€"))
