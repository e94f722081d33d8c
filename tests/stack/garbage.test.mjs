// Security: after any bytes the next request is answered, by the same processes.
// What this file sends: random bytes, odd request lines, headers without bound or
// sense, framing that contradicts itself, bodies that are no JSON or too much of it,
// archives that are none or burst, clients that dribble, stall or go away.
// SEED: the seed of the random bytes.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { Client, connect, exchange, inParallel, signIn } from './client.mjs';
import { startStack, until } from './harness.mjs';

const SEED = Number(process.env.SEED ?? crypto.randomInt(2 ** 31));
const latin1 = (text) => Buffer.from(text, 'latin1');

let stack, client, token, pids;
before(async () => {
	console.log(`seed ${SEED}`);
	stack = await startStack('lighttpd', { env: { IO_TIMEOUT_S: '2' } });
	client = new Client(stack.url);
	({ access_token: token } = await signIn(client));
	await assertServing();
	pids = stack.pids();
});
after(async () => {
	client?.close();
	await stack?.stop();
});
afterEach(async () => {
	await assertServing();
	assert.deepEqual(stack.pids(), pids, 'a process has ended');
	const failures = stack.logLines().filter((line) => line.level === 'error');
	assert.deepEqual(failures, [], 'the log has errors of ours');
});

// Each handler answers, and answers now.
async function assertServing() {
	for (const path of ['/health', '/v1/blog', '/.well-known/jwks.json', '/openapi.json']) {
		const began = performance.now();
		const reply = await client.get(path, { within: 10000 });
		assert.equal(reply.status, 200, `${path}: ${reply.text}`);
		assert.ok(performance.now() - began < 3000, `${path} took ${performance.now() - began} ms`);
	}
}

const statusOf = (bytes) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? 0);

// Refused, answered or hung up on, but no failure of ours.  501 and 505 are the web
// server's word for methods and versions it does not know.
function assertNoFailure(status, what) {
	assert.ok(status < 500 || status === 501 || status === 505, `${what}: ${status}`);
}

const head = (line, ...headers) => `${line}\r\nHost: x\r\nConnection: close\r\n` +
	headers.map((header) => `${header}\r\n`).join('') + '\r\n';

async function sendAll(rows, options = { silence: 300 }) {
	await inParallel(rows.length, 8, async (i) => {
		const bytes = typeof rows[i] === 'string' ? latin1(rows[i]) : rows[i];
		const what = JSON.stringify(bytes.subarray(0, 120).toString('latin1'));
		assertNoFailure(statusOf(await exchange(stack.url, bytes, options)), what);
	});
}

describe('on the wire', () => {
	test('random bytes', async () => {
		const beginnings = ['', 'GET ', 'GET / HTTP/1.1\r\n', 'POST /v1/blog HTTP/1.1\r\nHost: x\r\n',
			'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n'];
		const rows = fc.sample(fc.tuple(fc.constantFrom(...beginnings),
			fc.uint8Array({ minLength: 1, maxLength: 3000, size: 'max' })), { seed: SEED,
			numRuns: 150 })
			.map(([beginning, bytes]) => Buffer.concat([latin1(beginning), Buffer.from(bytes)]));
		rows.push(crypto.randomBytes(200000), Buffer.alloc(100000), Buffer.alloc(100000, '\r\n'));
		await sendAll(rows, { silence: 100 });
	});

	test('odd request lines', () => sendAll([
		'\r\n\r\n', 'GET\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/0.9\r\n\r\n', head('GET / HTTP/3.0'),
		head('GET / HTTP/1.1 x'),
		head('GET  /v1/blog  HTTP/1.1'), head('get /v1/blog HTTP/1.1'),
		head('BREW /v1/blog HTTP/1.1'),
		head('TRACE /v1/blog HTTP/1.1'), head('CONNECT example.org:443 HTTP/1.1'),
		head('CONNECT /v1/blog HTTP/1.1'),
		head('OPTIONS * HTTP/1.1'), head('PRI * HTTP/2.0'), head(`${'M'.repeat(1000)} / HTTP/1.1`),
		head('GET http://example.org/v1/blog HTTP/1.1'), head('GET https://[::1]:1/v1/blog HTTP/1.1'),
		head('GET ftp://x/ HTTP/1.1'), head('GET v1/blog HTTP/1.1'), head('GET ?x HTTP/1.1'),
		head('GET #x HTTP/1.1'),
		head('GET /v1/blog#x HTTP/1.1'), head('GET //v1//blog HTTP/1.1'),
		head('GET /../../etc/passwd HTTP/1.1'),
		head('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), head('GET /v1%2Fblog HTTP/1.1'),
		head('GET /v1/blog%00 HTTP/1.1'),
		head('GET /v1/blog/%ff%fe HTTP/1.1'), head('GET /v1/blog/% HTTP/1.1'),
		head('GET /v1/blog/%zz HTTP/1.1'),
		head('GET /v1/blog/\\..\\ HTTP/1.1'), head('GET /v1/blog/\x01\x7f HTTP/1.1'),
		head('GET /v1/blog/\xc3\xa9\xff HTTP/1.1'),
		head(`GET /${'a'.repeat(3000)} HTTP/1.1`), head(`GET /${'%41'.repeat(3000)} HTTP/1.1`),
		head(`GET /${'a/'.repeat(3000)} HTTP/1.1`),
		head(`GET /v1/blog/${'../'.repeat(2000)} HTTP/1.1`),
		head(`GET /${'a'.repeat(100000)} HTTP/1.1`),
		head(`GET /v1/blog?${'q'.repeat(100000)} HTTP/1.1`),
		head('GET /v1/blog HTTP/1.1') + head('GET /v1/blog HTTP/1.1') + 'junk',
	]));

	test('headers without sense', () => sendAll([
		'GET /v1/blog HTTP/1.1\r\n\r\n', 'GET /v1/blog HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
		'GET /v1/blog HTTP/1.1\r\nHost:\r\n\r\n', 'GET /v1/blog HTTP/1.1\nHost: x\n\n',
		head('GET /v1/blog HTTP/1.1', ': empty'), head('GET /v1/blog HTTP/1.1', 'no colon'),
		head('GET /v1/blog HTTP/1.1', 'a b: c'),
		head('GET /v1/blog HTTP/1.1', 'Fold: a', ' b'), head('GET /v1/blog HTTP/1.1', 'Nul: a\0b'),
		head('GET /v1/blog HTTP/1.1', 'X:\xff\xfe'),
		head('GET /v1/blog HTTP/1.1', `Big: ${'x'.repeat(7000)}`),
		head('GET /v1/blog HTTP/1.1', `Big: ${'x'.repeat(1000000)}`),
		head('GET /v1/blog HTTP/1.1', `${'N'.repeat(7000)}: x`),
		head('GET /v1/blog HTTP/1.1', ...Array.from({ length: 150 }, (_, i) => `H${i}: ${i}`)),
		head('GET /v1/blog HTTP/1.1', ...Array.from({ length: 700 }, (_, i) => `H${i}: ${i}`)),
		head('GET /v1/blog HTTP/1.1', ...Array(300).fill('Cookie: a=b')),
		head('GET /v1/blog HTTP/1.1', ...Array(300).fill('X-Forwarded-For: 1.2.3.4')),
		head('GET /v1/blog HTTP/1.1', ...Array(20).fill('If-None-Match: "a"')),
		head('GET /v1/blog HTTP/1.1', 'Proxy: http://evil.example/', 'X_Forwarded_For: 1',
			'Content-Type: a', 'Expect: 100-continue'),
		head('GET /v1/blog HTTP/1.1', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk',
			'Connection: Upgrade, HTTP2-Settings'),
		head('GET /v1/blog HTTP/1.1', 'Range: bytes=0-1,5-,-9,,x'),
		head('GET /v1/blog HTTP/1.1', 'TE: trailers', 'Trailer: X'),
	]));

	test('framing that contradicts itself', () => {
		const login = (...headers) => head('POST /v1/auth/login HTTP/1.1',
			'Content-Type: application/json', ...headers);
		return sendAll([
			`${login('Content-Length: 2', 'Content-Length: 3')}{}`,
			`${login('Content-Length: -1')}{}`,
			`${login('Content-Length: 99999999999999999999')}{}`,
			`${login('Content-Length: 2, 2')}{}`,
			`${login('Content-Length: 0x2')}{}`,
			`${login('Content-Length: 2')}{}GET /v1/blog HTTP/1.1\r\n`,
			`${login('Transfer-Encoding: chunked', 'Content-Length: 2')}2\r\n{}\r\n0\r\n\r\n`,
			`${login('Transfer-Encoding: chunked')}zz\r\n{}\r\n`,
			`${login('Transfer-Encoding: chunked')}-2\r\n{}\r\n`,
			`${login('Transfer-Encoding: chunked')}ffffffffffffffff\r\n{}\r\n`,
			`${login('Transfer-Encoding: chunked')}2;a=${'b'.repeat(9000)}\r\n{}\r\n0\r\n\r\n`,
			`${login('Transfer-Encoding: chunked')}2\r\n{}\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n`, `${login('Transfer-Encoding: chunked')}2\r\n{}xx0\r\n\r\n`,
			`${login('Transfer-Encoding: gzip, chunked')}2\r\n{}\r\n0\r\n\r\n`,
			`${login('Transfer-Encoding: chunked, chunked')}2\r\n{}\r\n0\r\n\r\n`,
			`${login('Transfer-Encoding: identity', 'Content-Length: 2')}{}`,
			login('Content-Length: 0'), login(),
			`${login('Content-Encoding: gzip', 'Content-Length: 2')}{}`,
		], { silence: 600 });
	});
});

describe('headers that mean something', () => {
	const junk = [
		'', '"', '""', '"unclosed', 'W/', 'W/"', '*', '**', '"a" "b"', ',,,,', '"a",,"b",', 'W/"\\"',
		'0', '-1', 'NaN',
		'Thu, 32 Foo 2025 99:99:99 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'yesterday',
		'9'.repeat(400), '{"a":1}', '%00%ff',
		'Bearer', 'Bearer  ', 'bearer x y z', 'Basic !!!!', 'Digest username="', 'eyJ', 'eyJ.eyJ.eyJ',
		`Bearer eyJ${'.eyJ'.repeat(500)}`,
		'00-00000000000000000000000000000000-0000000000000000-00', 'ff-x', 'a=b;c', '=;=;=', 'for=',
		'for="[', 'for="[::1"', 'for=_x;;by=,,',
		'1.2.3.4.5, ::::, [::1]:99999', `${'1.1.1.1, '.repeat(200)}`, 'text/html;q=', '*/*;q=2',
		'a/b/c', '/', 'application/json; charset="',
		'null', 'https://a.example:99999999', '\xff\xfe', 'bytes=--1', 'gzip;q=0,*;q=0',
	];
	const names = ['Authorization', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since',
		'If-Range', 'Range',
		'Idempotency-Key', 'Content-Type', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Cookie',
		'Origin', 'Referer', 'Forwarded',
		'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Real-IP', 'X-Request-ID',
		'traceparent', 'tracestate', 'X-Amzn-Trace-Id',
		'Access-Control-Request-Method', 'Access-Control-Request-Headers', 'X-API-Key', 'User-Agent',
		'Content-Disposition', 'Date'];

	test('with values that do not', async () => {
		const random = fc.sample(fc.array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 300 }),
			{ seed: SEED, numRuns: 10 })
			.map((codes) => String.fromCharCode(...codes.filter((code) => code !== 0x7f)));
		const values = [...junk, ...random];
		const targets = ['GET /v1/blog', 'GET /v1/blog/none', 'POST /v1/blog', 'GET /v1/auth/me',
			'GET /feed.xml', 'OPTIONS /v1/blog', 'GET /metrics'];
		let turn = 0;
		const rows = names.flatMap((name) => values.map((value) =>
			({ name, value, target: targets[turn++ % targets.length] })));
		await inParallel(rows.length, 16, async (i) => {
			const { name, value, target } = rows[i];
			const [method, path] = target.split(' ');
			const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json',
				[name.toLowerCase()]: value };
			const reply = await client.request(method, path,
				{ headers, body: method === 'POST' ? '{"x":1}' : undefined });
			assertNoFailure(reply.status, `${target} ${name}: ${JSON.stringify(value)}`);
		});
	});
});

describe('queries', () => {
	test('of every kind', async () => {
		const rows = ['?', '?&', '?&&&===', '?=', '?=x', '?limit', '?limit=', '?limit=1&limit=2',
			'?limit=%31', '?limit=1e1', '?limit=+1',
			'?limit=99999999999999999999', '?limit=-0', '?q=%', '?q=%zz', '?q=%00', '?q=%ff%fe',
			'?q=%f0%9f%98', '?q=%ed%a0%80', '?%71=x', '?q[]=1', '?q%5B%5D=1',
			'?q=%22', '?q=*', '?q=a*b', '?q=NEAR(a b)', '?q=a%20AND%20OR', '?q=-', '?q=(((((((',
			`?q=${'a%20'.repeat(60)}`, `?q=${'%22'.repeat(150)}`,
			"?q=';DROP%20TABLE%20items;--", '?tag=%2F..%2F', `?tag=${'%F0%9F%98%80'.repeat(64)}`,
			`?${Array.from({ length: 33 }, (_, i) => `a${i}=1`).join('&')}`,
			`?${'a=1&'.repeat(1000)}`, `?q=${'x'.repeat(5000)}`, '?cursor=', '?cursor=x',
			'?cursor=AAAA', `?cursor=${'A'.repeat(2000)}`, '?cursor=../..', '?status=all%00',
			'?q=a+b', '?q=a;b=c', '?q=\xe9', '?q=<script>', '?Q=x', '?limit=1#x', '??limit=1',
			'?limit=1?limit=2'];
		await sendAll(rows.map((query) => head(`GET /v1/blog${query} HTTP/1.1`)));
	});

	test('with cursors that were changed', async () => {
		for (let i = 0; i < 3; i++)
			await client.post('/v1/blog', { title: `Number ${i}` }, { token });
		const { next_cursor: good } = (await client.get('/v1/blog?status=all&limit=1', { token })).json;
		assert.ok(good);
		const rows = Array.from({ length: good.length },
			(_, i) => good.slice(0, i) + (good[i] === 'A' ? 'B' : 'A') + good.slice(i + 1));
		rows.push(good.slice(1), good.slice(0, -1), good + good, `${good}=`, good.toUpperCase());
		await inParallel(rows.length, 8, async (i) => {
			const reply = await client.get(`/v1/blog?status=all&limit=1&cursor=${rows[i]}`,
				{ token });
			// The last character may carry bits that mean nothing.
			assert.ok(reply.status === 422 || i === good.length - 1, `${rows[i]}: ${reply.status}`);
		});
		assert.equal((await client.get(`/v1/projects?cursor=${good}`)).status, 422, 'of another list');
		assert.equal((await client.get(`/v1/blog?limit=1&cursor=${good}`)).status, 422,
			'of another filter');
		assert.equal((await client.get(`/v1/blog?status=all&limit=1&cursor=${good}`, { token })).status,
			200);
	});
});

describe('bodies', () => {
	const MEGABYTE = 1000000;
	const deep = (n, open, close, core = '1') => open.repeat(n) + core + close.repeat(n);
	const bodies = {
		nothing: '', blank: ' \n\t', word: 'nonsense', 'half an object': '{"title":',
		'more behind it': '{"title":"a"} x', 'two of them': '{}{}',
		'a comment': '{"title":"a"/*b*/}', 'a trailing comma': '{"title":"a",}',
		'single quotes': "{'title':'a'}", 'no quotes': '{title:1}',
		NaN: '{"title":NaN}', 'a huge number': '{"title":1e999}',
		'many digits': `{"title":${'9'.repeat(5000)}}`, 'minus nothing': '{"title":-}',
		'leading zero': '{"title":01}',
		'the same name twice': '{"title":"a","title":"b"}', 'a lone surrogate': '{"title":"\\ud800"}',
		'a wrong pair': '{"title":"\\udc00\\ud800"}',
		'an escaped NUL': '{"title":"a\\u0000b"}', 'a NUL': '{"title":"a\0b"}',
		'a raw control byte': '{"title":"a\x01b"}', 'invalid UTF-8': '{"title":"\xff\xfe"}',
		'overlong UTF-8': '{"title":"\xc0\xaf"}', 'a BOM': '\xef\xbb\xbf{"title":"a"}',
		UTF16: '\xff\xfe{\0}\0', 'a bad escape': '{"title":"\\x41"}', 'an open string': '{"title":"a',
		'an array': '[]', 'a string': '"a"', null: 'null', 'thirty-two deep': deep(31, '{"a":', '}'),
		'thirty-three deep': deep(33, '[', ']'),
		'arrays to a megabyte': '['.repeat(MEGABYTE),
		'objects to a megabyte': '{"a":'.repeat(MEGABYTE / 5),
		'closed after all': deep(MEGABYTE / 2, '[', ']'),
		'a megabyte of blanks': ' '.repeat(MEGABYTE),
		'a megabyte of text': `{"body":"${'x'.repeat(MEGABYTE)}"}`,
		'a megabyte of escapes': `{"title":"${'\\u0041'.repeat(MEGABYTE / 6)}"}`,
		'a megabyte of zeros': '0'.repeat(MEGABYTE),
		'ten thousand unknown names': `{${Array.from({ length: 10000 }, (_, i) => `"n${i}":${i}`).join(',')}}`,
		'a hundred thousand tags': `{"title":"a","tags":[${Array(100000).fill('"t"').join(',')}]}`,
		'a long name': `{"${'n'.repeat(100000)}":1}`,
		'names of prototypes': '{"__proto__":{"a":1},"constructor":1,"toString":2}',
		'pointers in names': '{"a/b~c":1,"":2,"~1":3}',
		'three megabytes': 'x'.repeat(3 * MEGABYTE),
	};

	test('that are no JSON, or too much of it', async () => {
		const targets = ['POST /v1/blog', 'POST /v1/auth/login', 'PATCH /v1/auth/me'];
		const rows = Object.entries(bodies).flatMap(([name, body]) =>
			targets.map((target) => ({ name, body, target })));
		await inParallel(rows.length, 4, async (i) => {
			const { name, body, target } = rows[i];
			const reply = await client.request(...target.split(' '),
				{ token, body: latin1(body), type: 'application/json' });
			// An empty body of a PATCH changes nothing.
			const fine = reply.status === 200 && target.startsWith('PATCH') && name === 'nothing';
			assert.ok(fine || [400, 413, 422].includes(reply.status),
				`${name} to ${target}: ${reply.status} ${reply.text.slice(0, 200)}`);
			assert.ok(reply.bytes.length < 20000,
				`${name}: a reply of ${reply.bytes.length} bytes`);
		});
	});

	test('that are no archive, or one that bursts', async () => {
		const header = (change) => {
			const block = Buffer.alloc(512);
			block.write('post.md', 0);
			block.write('0000644\0', 100);
			block.write('00000000010\0', 124);
			block.write('ustar\x0000', 257);
			block[156] = 0x30;
			change(block);
			block.fill(0x20, 148, 156);
			block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
			return Buffer.concat([block, Buffer.alloc(512, 'x'), Buffer.alloc(1024)]);
		};
		const noise = crypto.randomBytes(60000);
		const rows = [
			['application/x-tar', noise], ['application/gzip', noise], ['text/markdown', noise],
			['application/x-ndjson', noise],
			['application/x-tar', Buffer.alloc(0)], ['application/gzip', Buffer.alloc(0)],
			['application/gzip', Buffer.from([0x1f, 0x8b])],
			['application/x-tar', header((b) => b.write('77777777777\0', 124))],
			['application/x-tar', header((b) => b.write('-0000000001\0', 124))],
			['application/x-tar', header((b) => b.write('../../../../tmp/owned.md', 0))],
			['application/x-tar', header((b) => b.write('/etc/passwd.md', 0))],
			['application/x-tar', header((b) => { b[156] = 0x32; b.write('/etc/passwd', 157); })],
			['application/x-tar', header((b) => { b[156] = 0x4c; })],
			['application/x-tar', header((b) => { b[156] = 0x33; })],
			['application/x-tar', header((b) => { b[124] = 0x80; b.fill(0xff, 125, 136); })],
			['application/gzip', zlib.gzipSync(header(() => {})).subarray(0, 60)],
			['application/gzip', zlib.gzipSync(zlib.gzipSync(zlib.gzipSync(noise)))],
			['application/gzip', zlib.gzipSync(Buffer.alloc(300 * MEGABYTE))],
			['application/x-ndjson', '[\n'.repeat(50000)],
			['application/x-ndjson', '\n'.repeat(500000)],
			['application/x-ndjson', `{"title":"${'x'.repeat(900000)}"}`],
			['text/markdown', `---\n${'a: &a [*a]\n'.repeat(1000)}---\n`],
			['text/markdown', `---\na: &a ["x","x"]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [*${i ? `b${i - 1}` : 'a'},*${i ? `b${i - 1}` : 'a'}]`).join('\n')}\n---\n`],
			['text/markdown', `---\ntitle: x\n---\n${'>'.repeat(100000)}`],
			['text/markdown', `---\ntitle: x\n---\n${'[a]('.repeat(50000)}`],
			['text/markdown', `---\ntitle: y\n---\n${'*a **b '.repeat(30000)}`],
			['text/markdown', `+++\ntitle = "z"\n${'[a'.repeat(20000)}\n+++\n`],
			['text/markdown', `+++\n${'a.'.repeat(20000)}b = 1\n+++\n`],
			['text/markdown', `{${'"a":{'.repeat(10000)}`],
			['text/markdown', '---\n'], ['text/markdown', '---\n---\n'],
			['text/markdown', '+++\n+++'], ['text/markdown', '---\ntitle: [\n---\n'],
			['text/markdown', '---\n\0\n---\n'],
		];
		for (const [type, body] of rows) {
			const reply = await client.request('POST', '/v1/content/import',
				{ token, type, body, within: 30000 });
			const what = `${type} ${JSON.stringify(body.subarray?.(0, 60).toString('latin1') ?? body.slice(0, 60))}`;
			assertNoFailure(reply.status, what);
			if (reply.status === 200)
				assert.ok(Number.isInteger(reply.json.failed), what);
		}
	});
});

describe('clients', () => {
	test('that go away in mid-request or mid-reply', async () => {
		const upload = latin1(head('POST /v1/blog HTTP/1.1', `Authorization: Bearer ${token}`,
			'Content-Type: application/json',
			'Content-Length: 900000') + '{"title":"' + 'x'.repeat(40000));
		const download = latin1(head('GET /docs/swagger-ui-bundle.js HTTP/1.1'));
		await inParallel(120, 12, async (i) => {
			const { socket, ready, heard } = connect(stack.url);
			await ready;
			socket.write(i % 2 ? upload : download);
			if (i % 4 === 0)
				await until('the first bytes', () => heard.bytes.length > 0 || heard.closed);
			i % 3 ? socket.resetAndDestroy() : socket.destroy();
		});
	});

	test('that dribble or stall keep nobody else waiting', async () => {
		const beginnings = [
			'G', 'GET /v1/blog HTTP/1.1\r\nHost: x\r\nX: ',
			'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
			'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a',
		];
		const slow = await Promise.all(Array.from({ length: 120 }, async (_, i) => {
			const connection = connect(stack.url);
			await connection.ready;
			connection.socket.write(beginnings[i % beginnings.length]);
			return connection;
		}));
		const dribble = setInterval(() => slow.slice(0,
			60).forEach(({ socket }) => socket.writable && socket.write(' ')), 20);
		try {
			const began = performance.now();
			const replies = await inParallel(200, 8,
				() => client.get('/v1/blog', { within: 10000 }));
			assert.ok(replies.every((reply) => reply.status === 200));
			assert.ok(performance.now() - began < 5000,
				`${performance.now() - began} ms for 200 requests`);
			await assertServing();
		} finally {
			clearInterval(dribble);
			slow.forEach(({ socket }) => socket.destroy());
		}
	});

	test('that pipeline, and read nothing', async () => {
		const many = latin1('GET /v1/blog HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
		const silent = await Promise.all(Array.from({ length: 10 }, async () => {
			const connection = connect(stack.url);
			await connection.ready;
			connection.socket.pause();
			connection.socket.write(many);
			return connection;
		}));
		await assertServing();
		silent.forEach(({ socket }) => socket.destroy());
	});
});
