-- The limits of one request, from all of them or from none: limit/gcra.c and limit/window.c, to the
-- nanosecond.  A number here is a double, exact to 2^53, and nanoseconds since 1970 are more: a time of
-- GCRA is a pair of seconds and nanoseconds, a window reckons in microseconds (what TIME gives), and a
-- product of more than 53 bits is compared in two halves.
-- KEYS: one a policy.  ARGV: the cost, then seven a key: "g", dry run, whether the cost fits into the
-- burst, what it is worth and the whole burst (both seconds, nanoseconds); or "w", dry run, limit,
-- period in microseconds, and three unused.
-- Answers {allowed, seconds, microseconds, then of each key three numbers that it held before}.
local BILLION, HALF = 1000000000, 67108864
local SLACK_S, GRACE_MS, FIELDS = 10, 1000, 7
local time = redis.call('TIME')
local now_s, now_us = tonumber(time[1]), tonumber(time[2])
local now_ns = now_us * 1000
local since_us = now_s * 1000000 + now_us
local cost = tonumber(ARGV[1])

local function add(as, an, bs, bn)
	local s, n = as + bs, an + bn
	if n >= BILLION then return s + 1, n - BILLION end
	return s, n
end

local function subtract(as, an, bs, bn)
	local s, n = as - bs, an - bn
	if n < 0 then return s - 1, n + BILLION end
	return s, n
end

local function exceeds(as, an, bs, bn)
	return as > bs or (as == bs and an > bn)
end

local function multiply(count, wide)
	local high = math.floor(wide / HALF)
	local low = count * (wide - high * HALF)
	local carry = math.floor(low / HALF)
	return count * high + carry, low - carry * HALF
end

local function gcra(key, fits, cost_s, cost_n, full_s, full_n)
	local held_s, held_n = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
	held_s, held_n = tonumber(held_s) or 0, tonumber(held_n) or 0
	local used_s, used_n = subtract(held_s, held_n, now_s, now_ns)
	if used_s < 0 then used_s, used_n = 0, 0 end
	local ahead_s, ahead_n = subtract(used_s, used_n, full_s, full_n)
	local back = exceeds(ahead_s, ahead_n, SLACK_S, 0)
	if back then used_s, used_n = full_s, full_n end
	local want_s, want_n = add(used_s, used_n, cost_s, cost_n)
	local allowed = fits == '1' and not exceeds(want_s, want_n, full_s, full_n)
	if allowed then used_s, used_n = want_s, want_n end
	local tat_s, tat_n = add(now_s, now_ns, used_s, used_n)
	return {
		allowed = allowed, back = back, held_s, held_n, 0,
		value = string.format('%d %d', tat_s, tat_n),
		live_ms = used_s * 1000 + math.ceil(used_n / 1000000) + GRACE_MS,
	}
end

local function window(key, limit, period)
	local held = { string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+)$') }
	local at, before, current = tonumber(held[1]) or 0, tonumber(held[2]) or 0, tonumber(held[3]) or 0
	local index = math.floor(since_us / period)
	local elapsed = since_us - index * period
	local previous, count, back = 0, 0, false
	if before == 0 and current == 0 then
		-- nothing was taken, whenever that was
	elseif at == index then
		previous, count = before, current
	elseif at == index - 1 then
		previous = current
	elseif at > index and (at - index) * period - elapsed > SLACK_S * 1000000 then
		count, back = math.min(before + current, limit), true
	elseif at > index then
		index, elapsed, previous, count = at, 0, before, current
	end
	local room = limit - count - cost
	local allowed = false
	if room >= 0 then
		local carried, carried_low = multiply(previous, period - elapsed)
		local most, most_low = multiply(room, period)
		allowed = not exceeds(carried, carried_low, most, most_low)
	end
	if allowed then count = count + cost end
	return {
		allowed = allowed, back = back, at, before, current,
		value = string.format('%d %d %d', index, previous, count),
		live_ms = math.ceil(((index + 2) * period - since_us) / 1000) + GRACE_MS,
	}
end

local steps, all = {}, true
for i = 1, #KEYS do
	local a = (i - 1) * FIELDS + 1
	local step
	if ARGV[a + 1] == 'g' then
		step = gcra(KEYS[i], ARGV[a + 3], tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]),
			tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7]))
	else
		step = window(KEYS[i], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]))
	end
	steps[i] = step
	all = all and (step.allowed or ARGV[a + 2] == '1')
end

local answer = { all and 1 or 0, now_s, now_us }
for i, step in ipairs(steps) do
	-- Refused as a whole, a step that fits leaves its key as it was; a clock set back is put right anyway.
	if (all and step.allowed) or (step.back and not step.allowed) then
		redis.call('SET', KEYS[i], step.value, 'PX', step.live_ms)
	end
	for j = 1, 3 do answer[#answer + 1] = step[j] end
end
return answer
