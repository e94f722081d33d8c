// The log is one JSON object a line whatever comes in, says what was asked and how it
// went, and never holds what opens a door.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, exchange, inParallel, signIn } from './client.mjs';
import { OWNER, cgi, startHandler, startStack, until } from './harness.mjs';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const bytes = (text) => Buffer.from(text, 'latin1');

// The requests among the lines of a log given as bytes; every line must be good.
function requestsIn(log) {
	assert.ok(log.length === 0 || log.at(-1) === 0x0a, 'the last line is whole');
	const lines = utf8.decode(log).split('\n').filter((line) => line !== '');
	return lines.map((line) => {
		const object = JSON.parse(line);
		for (const name of ['time', 'level', 'handler', 'pid', 'event'])
			assert.ok(name in object, `${name} in ${line}`);
		return object;
	}).filter((line) => line.event === 'request');
}

// The requests that a handler which stands alone has logged; those for "/" are
// startHandler's, which asks until it is answered.
const requestsOf = (handler, folder = handler.log) =>
	requestsIn(fs.readFileSync(path.join(folder, `${path.basename(handler.socket)}.log`)))
		.filter((line) => line.path !== '/');
const logOf = (stack) => Buffer.from(stack.logText(), 'utf8');

async function withStack(env, work) {
	const stack = await startStack('lighttpd', { env });
	const client = new Client(stack.url);
	const logged = (count, filter = () => true) => until(`${count} requests in the log`, () => {
		const found = requestsIn(logOf(stack)).filter(filter);
		return found.length >= count && found;
	});
	try {
		return await work(client, logged, stack);
	} finally {
		client.close();
		await stack.stop();
	}
}

describe('hostile input', () => {
	const hostile = {
		'line ends': 'a\r\nb\n{"level":"info","event":"forged"}\n',
		'quotes and backslashes': '"\\","forged":true,"\\u0000":"\\',
		'control bytes': Array.from({ length: 32 }, (_, i) => String.fromCharCode(i + 1)).join('') +
			'\x7f',
		'escape sequences': '\x1b[2J\x1b]0;owned\x07',
		'invalid UTF-8': '\xff\xfe\xc3(\xa0\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80',
		'half a character at the end': 'x'.repeat(2046) + '\xf0\x9f\x98',
		'separators': '\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xe2\x80\xae',
		'length': 'y'.repeat(7000),
		'escapes at length': '\x01'.repeat(4000),
	};

	test('cannot break a line, straight to the handler', async () => {
		const handler = await startHandler('content',
			{ env: { TRUSTED_PROXIES: '127.0.0.1', LOG_BODIES: 'on' } });
		try {
			const places = (value) => [
				cgi('GET', '/v1/blog', { REQUEST_URI: Buffer.concat([bytes('/v1/'), value]) }),
				cgi('GET', '/v1/blog', { REQUEST_METHOD: value }),
				cgi('GET', '/v1/blog', { REQUEST_URI: Buffer.concat([bytes('/v1/blog?tag='),
					value]) }),
				cgi('GET', '/v1/nothing', { REMOTE_ADDR: value }),
				...['X_REQUEST_ID', 'USER_AGENT', 'HOST', 'AUTHORIZATION', 'COOKIE', 'REFERER',
					'X_FORWARDED_FOR', 'FORWARDED', 'TRACEPARENT', 'TRACESTATE', 'ORIGIN',
					'IF_NONE_MATCH', 'X_API_KEY'].map((header) =>
					cgi('GET', '/v1/nothing', { [`HTTP_${header}`]: value })),
				[...Object.entries(cgi('GET', '/v1/nothing')),
					[Buffer.concat([bytes('HTTP_'), value]), 'x']],
			];
			let sent = 0;
			for (const [name, text] of Object.entries(hostile)) {
				for (const params of places(bytes(text))) {
					const reply = await handler.fcgi(params);
					assert.ok(reply && reply.status >= 400 || reply?.status === 200, name);
					sent++;
				}
			}
			const requests = await until('every request in the log', () => {
				const found = requestsOf(handler);
				return found.length >= sent && found;
			});
			assert.equal(requests.length, sent);
			for (const line of requests)
				assert.equal(line.forged, undefined);
		} finally {
			await handler.stop();
		}
	});

	test('cannot break a line, through the web server', () => withStack({ LOG_BODIES: 'on' },
		async (client, logged, stack) => {
			const { access_token: token } = await signIn(client);
			for (const text of Object.values(hostile)) {
				const percent = [...bytes(text)].map((b) =>
					`%${b.toString(16).padStart(2, '0')}`).join('');
				await exchange(stack.url, Buffer.concat([bytes('GET /v1/'), bytes(text),
					bytes(' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')]),
					{ silence: 200 });
				await client.get(`/v1/${percent.slice(0, 6000)}`);
				await client.get('/v1/blog', { headers: {
					'x-request-id': text.replace(/[^\x20-\x7e\x80-\xff]/g, '') } });
				// Whoever may write finds his text in the log, and only there in its field.
				await client.post('/v1/blog', { title: text, wings: text }, { token });
				await client.request('POST', '/v1/blog',
					{ token, type: 'application/json',
						body: bytes(`{"title":"${text}"}`) });
			}
			const last = await client.get('/v1/the-last-one');
			const lines = await logged(1,
				(line) => line.request_id === last.headers['x-request-id']);
			assert.equal(lines[0].path, '/v1/the-last-one');
		}));

});

describe('a request’s line', () => {
	let stack, client;
	before(async () => {
		stack = await startStack('lighttpd');
		client = new Client(stack.url);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});
	const lineOf = (reply) => until('the line of the request', () => requestsIn(logOf(stack))
		.find((line) => line.request_id === reply.headers['x-request-id']));

	test('says who asked what, and how it went', async () => {
		const { access_token: token } = await signIn(client);
		const reply = await client.get('/v1/blog/no-such-post', { token, headers: {
			'x-request-id': 'client-chosen.1',
			traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
		assert.equal(reply.headers['x-request-id'], 'client-chosen.1');
		const line = await lineOf(reply);
		assert.equal(line.trace_id, '0af7651916cd43dd8448eb211c80319c');
		assert.equal(line.handler, 'content');
		assert.equal(line.method, 'GET');
		assert.equal(line.route, '/v1/blog/{id}');
		assert.equal(line.path, '/v1/blog/no-such-post');
		assert.equal(line.status, 404);
		assert.equal(line.bytes, reply.bytes.length);
		assert.equal(line.address, '127.0.0.1');
		assert.equal(line.role, 'owner');
		assert.match(line.principal, /^[0-9a-f-]{36}$/);
		assert.equal(typeof line.duration_ms, 'number');
		assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		assert.ok(stack.pids().content.includes(line.pid));
	});

	test('has the level of its status', async () => {
		const rows = [
			['/v1/blog', 200, 'info'], ['/v1/blog/none', 404, 'warn'],
			['/v1/blog?limit=0', 422, 'warn'], ['/v1/auth/me', 401, 'warn'],
		];
		for (const [path, status, level] of rows) {
			const reply = await client.get(path);
			assert.equal(reply.status, status);
			assert.equal((await lineOf(reply)).level, level, path);
		}
	});

	test('is an error when it is ours', async () => {
		const health = await startHandler('health');
		try {
			fs.renameSync(health.state, `${health.state}-away`);
			const reply = await health.fcgi(cgi('GET', '/ready'));
			assert.equal(reply.status, 503);
			const log = path.join(`${health.state}-away`, 'log');
			const line = await until('its line', () => requestsOf(health, log)
				.find((l) => l.status === 503));
			assert.equal(line.level, 'error');
		} finally {
			await health.stop();
		}
	});

	test('is left out for health and docs, unless we fail', async () => {
		const seen = requestsIn(logOf(stack)).length;
		const rows = [...['/health', '/live', '/ready', '/metrics', '/', '/openapi.json', '/docs',
			'/redoc', '/problems/invalid'].map((path) => [path, 200]),
		['/health/detailed', 401], ['/problems/none', 404], ['/health?verbose=1', 422]];
		for (const [path, status] of rows)
			assert.equal((await client.get(path)).status, status, path);
		await lineOf(await client.get('/v1/blog'));
		const lines = requestsIn(logOf(stack)).slice(seen);
		assert.deepEqual(lines.map((line) => line.path), ['/v1/blog']);
	});
});

describe('secrets', () => {
	const PASSWORD = OWNER.password, NEXT = 'another and even longer one';

	for (const bodies of ['off', 'on']) {
		test(`never reach it, with bodies ${bodies}`, () => withStack({ LOG_BODIES: bodies,
			METRICS_TOKEN: 'metrics-token-of-this-test', LOG_LEVEL: 'debug', REFRESH_GRACE_S: '0' },
		async (client, logged, stack) => {
			const secrets = new Set([PASSWORD, NEXT, 'metrics-token-of-this-test',
				'guessed wrongly', 'hunter2hunter2', 'c00kie-value',
				'qv_live_abc_DEADBEEFdeadbeef01',
				'proxy-secret']);
			const keep = (tokens) => {
				for (const name of ['access_token', 'refresh_token', 'id_token'])
					secrets.add(tokens[name]).add(tokens[name].split('.').at(-1));
				return tokens;
			};
			let tokens = keep(await signIn(client));
			await client.post('/v1/auth/login', { email: OWNER.email,
				password: 'guessed wrongly' });
			await client.post('/v1/auth/login',
				{ email: 'x', password: 'hunter2hunter2',
					deep: [{ password: 'hunter2hunter2' }] });
			await client.request('POST', '/v1/auth/login',
				{ type: 'application/json', body: '{"password":"hunter2hunter2",' });
			await client.request('POST', '/v1/auth/login',
				{ type: 'application/x-www-form-urlencoded', body: 'password=hunter2hunter2' });
			const spent = tokens.refresh_token;
			tokens = keep((await client.post('/v1/auth/refresh', { refresh_token: spent })).json);
			await client.post('/v1/auth/refresh', { refresh_token: spent });
			tokens = keep(await signIn(client));
			await client.get('/v1/auth/me', { token: tokens.id_token });
			await client.get('/v1/blog', { token: tokens.access_token, headers: {
				cookie: 'session=c00kie-value', 'x-api-key': 'qv_live_abc_DEADBEEFdeadbeef01',
				'proxy-authorization': 'Basic proxy-secret' } });
			await client.get('/metrics', { token: 'metrics-token-of-this-test' });
			await client.get(`/v1/auth/me?access_token=${tokens.access_token}`);
			await client.get(`/v1/${tokens.access_token}`);
			await client.get(`/v1/${tokens.refresh_token}`);
			await client.get('/v1/blog/qv_live_abc_DEADBEEFdeadbeef01');
			await client.get(`/v1/blog?tag=hunter2hunter2&q=${tokens.refresh_token}&none=hunter2hunter2`);
			await client.get('/v1/blog', { headers: { authorization: 'Bearer hunter2hunter2' } });
			await client.post('/v1/auth/password/change',
				{ old_password: PASSWORD, new_password: NEXT }, { token: tokens.access_token });
			const last = await client.get('/v1/auth/me', { token: tokens.access_token });
			assert.equal(last.status, 200);
			await logged(1, (line) => line.request_id === last.headers['x-request-id']);

			const everything = stack.logText() +
				fs.readFileSync(`${stack.log}/lighttpd.log`, 'utf8');
			for (const secret of secrets)
				assert.ok(!everything.includes(secret), `${secret} is in the log:\n` +
					everything.split('\n').find((line) => line.includes(secret)));
			const logins = await logged(1, (line) => line.route === '/v1/auth/login' &&
				line.status === 200);
			assert.equal(logins[0].body !== undefined, bodies === 'on');
			if (bodies === 'on')
				assert.deepEqual(JSON.parse(logins[0].body),
					{ email: OWNER.email, password: '[redacted]' });
		}));
	}
});

describe('settings', () => {
	// The statuses of what a handler logs of so many good and so many bad requests.
	async function logged(env, good, bad) {
		const handler = await startHandler('content', { env });
		const ask = async (path, status) =>
			assert.equal((await handler.fcgi(cgi('GET', path))).status, status);
		try {
			await inParallel(good, 8, () => ask('/v1/blog', 200));
			await inParallel(bad, 8, () => ask('/v1/nothing', 404));
		} finally {
			await handler.stop();
		}
		const all = requestsOf(handler).map((line) => line.status);
		return { good: all.filter((status) => status === 200).length,
			bad: all.filter((status) => status === 404).length, all: all.length };
	}

	const rows = [
		[{}, 10, 10],
		[{ LOG_LEVEL: 'debug' }, 10, 10],
		[{ LOG_LEVEL: 'warn' }, 0, 10],
		[{ LOG_LEVEL: 'error' }, 0, 0],
		[{ LOG_SAMPLE: '0' }, 0, 10],
		[{ LOG_SAMPLE: '0', LOG_LEVEL: 'error' }, 0, 0],
	];
	for (const [env, good, bad] of rows) {
		test(`${JSON.stringify(env)} logs ${good} good and ${bad} bad ones of ten`, async () => {
			assert.deepEqual(await logged(env, 10, 10), { good, bad, all: good + bad });
		});
	}

	test('LOG_SAMPLE=0.5 takes every second by chance', async () => {
		const { good, bad } = await logged({ LOG_SAMPLE: '0.5' }, 600, 10);
		// Six standard deviations: once in some hundred million runs.
		assert.ok(good > 226 && good < 374, `${good} of 600`);
		assert.equal(bad, 10);
	});
});
