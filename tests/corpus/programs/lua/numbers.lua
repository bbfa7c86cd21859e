local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(20))
local x = 1.0
for _ = 1, 40 do x = (x + 2 / x) / 2 end
print(string.format("%.12f", x), math.sin(1), math.floor(-3.5), 7 // 2, -7 // 2, -7 % 3, 2 ^ 0.5)
print(1 << 40, 0xff ~ 0x0f, 3 | 4, 10 // 0.0, math.maxinteger + 1 == math.mininteger)
local sieve, primes = {}, 0
for i = 2, 2000 do
  if not sieve[i] then
    primes = primes + 1
    for j = i * i, 2000, i do sieve[j] = true end
  end
end
print(primes, math.tointeger("8"), tonumber("0x1p4"), 1e15, 2^53)
