local state = 42
local function random(n) state = (state * 1103515245 + 12345) % 2147483648; return state % n end
local t = {}
for i = 1, 1500 do t[i] = random(100000) end
table.sort(t)
for i = 2, #t do assert(t[i - 1] <= t[i]) end
print(t[1], t[750], t[1500])
table.sort(t, function(a, b) return a % 1000 > b % 1000 end)
for i = 2, #t do assert(t[i - 1] % 1000 >= t[i] % 1000) end
print(t[1] % 1000, t[1500] % 1000)
table.insert(t, 1, -1); table.remove(t, 2); print(#t, t[1])
print(pcall(table.sort, {3, 1, "x"}))
