local function generate(n)
  return coroutine.wrap(function()
    for i = 1, n do coroutine.yield(i * i) end
  end)
end
local sum = 0
for v in generate(300) do sum = sum + v end
print(sum)

local function permutations(a, n)
  n = n or #a
  if n <= 1 then coroutine.yield(a) else
    for i = 1, n do
      a[n], a[i] = a[i], a[n]
      permutations(a, n - 1)
      a[n], a[i] = a[i], a[n]
    end
  end
end
local count, last = 0
for p in coroutine.wrap(function() permutations({1, 2, 3, 4, 5}) end) do
  count, last = count + 1, table.concat(p, ",")
end
print(count, last)
local co = coroutine.create(function() error({code = 42}) end)
local ok, why = coroutine.resume(co)
print(ok, why.code, coroutine.status(co))
