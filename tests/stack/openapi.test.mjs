// The document describes the handlers, and the handlers answer as it says: every
// route is there, every reply is one of those documented for its operation.
// RUNS: inputs an operation.  SEED: the seed to repeat a run with.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Client, mailedCode, signIn, totpCode } from './client.mjs';
import { HANDLERS, OWNER, TOP, runHandler, startStack, temporaryFolder, until } from './harness.mjs';
import { Document, brokenBodiesOf, brokenQueriesOf, inputOf } from './openapi.mjs';

const RUNS = Number(process.env.RUNS ?? 25);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const COLLECTIONS = { blog: 'title', projects: 'name', certifications: 'name' };

// Who signs reports of leaked keys.
const reports = (() => {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
	const file = path.join(temporaryFolder(), 'keys.json');
	const key = publicKey.export({ type: 'spki', format: 'pem' });
	fs.writeFileSync(file, JSON.stringify({ public_keys: [{ key_identifier: 'test', key, is_current: true }] }));
	const signed = (body) => ({ body, headers: { 'github-public-key-identifier': 'test',
		'github-public-key-signature': createSign('SHA256').update(body).sign(privateKey, 'base64') } });
	return { file, signed };
})();

let stack, client, document, token, examples;
before(async () => {
	console.log(`seed ${SEED}, ${RUNS} runs an operation`);
	stack = await startStack('lighttpd', { env: { REFRESH_GRACE_S: '300', LEAK_REPORT_KEYS: reports.file,
		AUTH_PROVIDERS: JSON.stringify([{ name: 'github', client_id: 'c', client_secret: 's' }]) } });
	client = new Client(stack.url);
	document = new Document((await client.get('/openapi.json')).json);
	({ access_token: token } = await signIn(client));
	examples = await makeExamples();
});
after(async () => {
	client?.close();
	await stack?.stop();
});

const check = (arbitrary, property, runs = RUNS) =>
	fc.assert(fc.asyncProperty(arbitrary, property), { seed: SEED, numRuns: runs });

// --- what a path or a body must name to be answered with more than 404 ---------------

async function makeExamples() {
	const items = {};
	for (const [collection, title] of Object.entries(COLLECTIONS)) {
		const made = await client.post(`/v1/${collection}`, { [title]: 'An example' }, { token });
		assert.equal(made.status, 201, made.text);
		const { json: item } = await client.post(`/v1/${collection}/${made.json.id}/publish`, {},
			{ token });
		await client.patch(`/v1/${collection}/${item.id}`, { [title]: 'Changed' }, { token });
		items[collection] = item;
	}
	const key = await makeKey();
	const folder = temporaryFolder();
	fs.writeFileSync(path.join(folder, 'post.md'), markdown('From a tar'));
	const tar = (flags) => execFileSync('tar', ['-C', folder, flags, '-', 'post.md']);
	return { items, key, tar: tar('-cf'), gzip: tar('-czf') };
}

async function makeKey() {
	const made = await client.post('/v1/developer/keys', { name: 'An example', scopes: ['profile'] }, { token });
	assert.equal(made.status, 201, made.text);
	return made.json.id;
}

const markdown = (title) => `---\ntitle: ${JSON.stringify(title)}\ntags: [a, b]\n---\nText.\n`;

// Clients of the OAuth server: what one may be, and one that proves itself in a form.
const OAUTH_CLIENT = { name: 'An example', type: 'confidential', redirect_uris: ['https://app.example/'],
	grant_types: ['authorization_code', 'client_credentials'], scopes: ['openid', 'content:read'],
	token_endpoint_auth_method: 'client_secret_post' };
const newClient = async () => (await client.post('/v1/auth/clients', OAUTH_CLIENT, { token })).json;
let oauthClient;
async function clientForm(more) {
	oauthClient ??= await newClient();
	const { id, secret } = oauthClient;
	return { token: undefined,
		body: `${new URLSearchParams({ client_id: id, client_secret: secret, ...more })}` };
}
async function authorizationQuery() {
	oauthClient ??= await newClient();
	return { query: { client_id: oauthClient.id, redirect_uri: OAUTH_CLIENT.redirect_uris[0],
		response_type: 'code', code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' } };
}

const newSession = async () => JSON.parse(Buffer.from(
	(await signIn(client)).access_token.split('.')[1], 'base64url')).sid;

const PARAMETERS = {
	'/v1/auth/clients/{id}': { id: async () => (await newClient()).id },
	'/v1/auth/clients/{id}/secret': { id: async () => (await newClient()).id },
	'/v1/auth/sessions/{id}': { id: newSession },
	'/v1/auth/oauth/{provider}': { provider: () => 'github' },
	'/v1/auth/oauth/{provider}/callback': { provider: () => 'github' },
	'/v1/auth/links/{provider}': { provider: () => 'github' },
	'/v1/auth/consents/{client_id}': { client_id: async () => (await newClient()).id },
	'/docs/{file}': { file: () => 'swagger-ui.css' },
	'/redoc/{file}': { file: () => 'redoc.standalone.js' },
	'/problems/{name}': { name: () => 'invalid' },
	'/v1/developer/keys/{id}': { id: ({ method }) => method === 'DELETE' ? makeKey() : examples.key },
	'/v1/developer/keys/{id}/rotate': { id: () => examples.key },
};

// The path with what exists in place of its parameters; items by id and slug in turn.
let turn = 0;
async function concrete(operation) {
	const collection = operation.path.split('/')[2];
	const own = {
		id: async () => operation.method === 'DELETE' ?
			(await client.post(`/v1/${collection}`, { [COLLECTIONS[collection]]: 'Short-lived' },
				{ token })).json.id :
			examples.items[collection][turn++ % 2 ? 'id' : 'slug'],
		version: () => String(examples.items[collection].version - 1),
		...PARAMETERS[operation.path],
	};
	let out = operation.path;
	for (const { name } of operation.parameters('path'))
		out = out.replace(`{${name}}`, await own[name](operation));
	return out;
}

// An item that was changed may have another slug.
function keepUp(operation, reply) {
	if (operation.method === 'GET' || reply.headers['content-type'] !== 'application/json')
		return;
	for (const [collection, { id }] of Object.entries(examples.items))
		if (reply.json.id === id && reply.json.slug !== undefined)
			examples.items[collection] = reply.json;
}

// The second factor, which these switch on and whoever comes next finds off.
let recovery = [];
async function enrol() {
	const { json: { secret } } = await client.post('/v1/auth/totp', undefined, { token });
	return { code: totpCode(secret) };
}
async function switchOn() {
	recovery = (await client.post('/v1/auth/totp/verify', await enrol(), { token })).json.recovery_codes;
	return { code: recovery.pop() };
}
async function switchOff(reply) {
	const code = recovery.pop() ?? reply.json.recovery_codes?.[0];
	assert.equal((await client.delete('/v1/auth/totp', { token, json: { code } })).status, 204);
}
async function answerTotp() {
	const { code } = await switchOn();
	const { json: { session } } = await client.post('/v1/auth/login', OWNER);
	return { body: { session, code } };
}

// An account for each run: an address that nobody had, and its code.
let people = 0;
async function registered() {
	const email = `person${people++}@example.org`;
	await client.post('/v1/auth/register', { email, password: 'a password of one’s own' });
	return { email, code: await mailedCode(stack, email) };
}
async function forgotten() {
	const { email, code } = await registered();
	await client.post('/v1/auth/confirm', { email, code });
	await client.post('/v1/auth/password/forgot', { email });
	await until('another code', async () => await mailedCode(stack, email) !== code);
	return { email, code: await mailedCode(stack, email), new_password: 'a new one, as long' };
}

// Where valid input is more than its schema says.
const MEANT = {
	'POST /v1/auth/login': () => ({ body: OWNER }),
	'POST /v1/auth/refresh': async () =>
		({ body: { refresh_token: (await signIn(client)).refresh_token } }),
	'POST /v1/auth/logout': async () => ({ token: (await signIn(client)).access_token }),
	'POST /v1/auth/password/change': () =>
		({ body: { old_password: OWNER.password, new_password: OWNER.password } }),
	'POST /v1/auth/confirm': async () => ({ body: await registered() }),
	'POST /v1/auth/password/reset': async () => ({ body: await forgotten() }),
	'POST /v1/auth/login/totp': answerTotp,
	'POST /v1/auth/totp/verify': async () => ({ body: await enrol() }),
	'DELETE /v1/auth/totp': async () => ({ body: await switchOn() }),
	'POST /v1/auth/clients': () => ({ body: OAUTH_CLIENT }),
	'PATCH /v1/auth/clients/{id}': () => ({ body: { name: 'Changed', scopes: [] } }),
	'GET /oauth2/authorize': authorizationQuery,
	'POST /oauth2/token': () => clientForm({ grant_type: 'client_credentials' }),
	'POST /oauth2/introspect': () => clientForm({ token: 'x' }),
	'POST /oauth2/revoke': () => clientForm({ token: 'x' }),
	'POST /v1/developer/keys/leaks': () => reports.signed('[{"token":"qv_live_x","type":"t","url":"u"}]'),
};
// A session that is ended everywhere takes the test's own with it.
const AFTER = {
	'POST /v1/auth/logout': async () => { ({ access_token: token } = await signIn(client)); },
	'POST /v1/developer/keys': ({ status, json }) =>
		status === 201 && client.delete(`/v1/developer/keys/${json.id}`, { token }),
	'POST /v1/auth/login/totp': switchOff,
	'POST /v1/auth/totp/verify': (reply) => { recovery = []; return switchOff(reply); },
};
const FEWER_RUNS = new Set(['POST /v1/auth/login', 'POST /v1/auth/refresh', 'POST /v1/auth/logout',
	'POST /v1/auth/password/change', 'DELETE /v1/auth/sessions/{id}', 'POST /v1/auth/login/totp', 'POST /v1/auth/totp/verify',
	'DELETE /v1/auth/totp', 'POST /v1/auth/register', 'POST /v1/auth/confirm',
	'POST /v1/auth/password/reset']);
const runsOf = (operation) => FEWER_RUNS.has(operation.name) ? Math.min(RUNS, 5) : RUNS;

// What takes a provider or a browser to go well: providers.test.mjs and oauth_tokens.test.mjs
// have them; and a user pool: cognito.test.mjs.
const ELSEWHERE = new Set(['POST /v1/auth/login/password', 'GET /v1/auth/oauth/{provider}', 'GET /v1/auth/oauth/{provider}/callback',
	'POST /v1/auth/oauth/exchange', 'DELETE /v1/auth/links/{provider}',
	'DELETE /v1/auth/consents/{client_id}']);

// Rules that no schema can say: one date is not before another, a search has a word, a
// key does something, from somewhere, for a while.  What a client of the OAuth server may
// be depends on all of it.
const UNSAID = /^\/(ended_on|expires_on|q|scopes|expires_at|allowed_ips|redirect_uris|grant_types|token_endpoint_auth_method|public_key|password)(\/(\d+|x))?$/;

const RAW_BODIES = {
	'text/markdown': () => markdown('Raw'),
	'text/x-markdown': () => markdown('Raw'),
	'application/x-tar': () => examples.tar,
	'application/tar': () => examples.tar,
	'application/x-gtar': () => examples.tar,
	'application/gzip': () => examples.gzip,
	'application/x-gzip': () => examples.gzip,
	'application/json': () => '[]',
};
const NDJSON = () => '{"title":"One"}\n{"title":"Two","collection":"projects","name":"Two"}\n';

const FORM = 'application/x-www-form-urlencoded';
const hasProblems = (operation) => operation.responses[400]?.content['application/problem+json'] !== undefined;
// A body that is checked against a schema; not one that is signed as it stands.
const takesJson = (operation) => operation.bodyTypes.some(isJson) && '$ref' in operation.bodySchema;
const isJson = (type) => /[/+]json$/.test(type);
const query = (values) => Object.keys(values).length === 0 ? '' :
	`?${Object.entries(values).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')}`;

// Query values for an operation; a cursor comes from a reply only.
function queriesOf(operation) {
	const list = operation.parameters('query').filter(({ name }) => name !== 'cursor');
	return fc.record(Object.fromEntries(list.map(({ name, schema }) => [name, inputOf(document, schema)])),
		{ requiredKeys: list.filter((p) => p.required).map((p) => p.name) });
}

function bodiesOf(operation) {
	if (operation.bodyTypes.length === 0)
		return fc.constant({});
	if (!takesJson(operation) && operation.bodyTypes[0] !== FORM)
		return fc.constantFrom(...operation.bodyTypes).map((type) =>
			({ type, body: (RAW_BODIES[type] ?? NDJSON)() }));
	if (operation.bodyTypes[0] === FORM)
		return inputOf(document, operation.bodySchema)
			.map((values) => ({ type: FORM, body: `${new URLSearchParams(values)}` }));
	return fc.tuple(fc.constantFrom(...operation.bodyTypes), inputOf(document, operation.bodySchema))
		.map(([type, body]) => ({ type, body }));
}

const payload = (body) => body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ?
	body : JSON.stringify(body);
const send = (operation, target, { type, body, ...options } = {}) =>
	client.request(operation.method, target, { token, type: body === undefined ? undefined : type,
		body: payload(body), ...options });

function assertDocumented(operation, reply, input) {
	assert.equal(document.replyFaults(operation, reply), '',
		`${operation.name} ${JSON.stringify(input)?.slice(0, 500)}`);
}

const went = (reply) => reply.status >= 200 && reply.status < 300;

function assertAccepted(operation, reply, input) {
	assertDocumented(operation, reply, input);
	if (went(reply) || ELSEWHERE.has(operation.name))
		return;
	if (reply.status === 409)
		return assert.match(reply.json.detail, /slug/);
	const told = `${operation.name} ${JSON.stringify(input).slice(0, 500)}: ${reply.text}`;
	// A form that means nothing is told so in its own way.
	if (!hasProblems(operation))
		return assert.ok(reply.status >= 300 && reply.status < 500, told);
	assert.equal(reply.status, 422, told);
	assert.ok(reply.json.errors.every(({ pointer }) => UNSAID.test(pointer)), told);
}

// --- the document ------------------------------------------------------------------------

describe('the document', () => {
	test('has every route of every handler, and no other', () => {
		const routes = HANDLERS.flatMap((name) => runHandler(name, ['--routes']).stdout
			.trim().split('\n').map((line) => line.split(/\s+/).slice(0, 2).join(' ')));
		assert.ok(routes.length > 40, `${routes.length} routes`);
		assert.deepEqual(document.operations().map((o) => o.name).sort(), routes.sort());
	});

	test('names each operation once', () => {
		const ids = document.operations().map((o) => o.id);
		assert.equal(new Set(ids).size, ids.length);
	});

	test('passes the linter', async () => {
		const file = path.join(temporaryFolder(), 'openapi.json');
		fs.writeFileSync(file, JSON.stringify(document.json));
		const lint = spawn(process.execPath,
			[path.join(TOP, 'tests/node_modules/@redocly/cli/bin/cli.js'), 'lint', file,
				'--extends=recommended', '--format=json'],
			{ env: { ...process.env, REDOCLY_TELEMETRY: 'off',
				REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } });
		let out = '';
		lint.stdout.on('data', (chunk) => { out += chunk; });
		const code = await new Promise((resolve) => lint.on('close', resolve));
		assert.equal(code, 0, out);
		const { problems } = JSON.parse(out.slice(out.indexOf('{')));
		assert.deepEqual(problems.map((p) => `${p.ruleId}: ${p.message}`), []);
	});

	test('has schemas that are good JSON Schema 2020-12', () => {
		for (const name of Object.keys(document.json.components.schemas))
			document.faults({ $ref: `#/components/schemas/${name}` }, {});
	});
});

// --- every operation --------------------------------------------------------------------------

describe('operations', () => {
	const each = (what, work, filter = () => true) => test(what, async (t) => {
		for (const operation of document.operations().filter(filter))
			await t.test(operation.name, () => work(operation));
	});

	each('answer valid input as documented', async (operation) => {
		await check(fc.tuple(queriesOf(operation), bodiesOf(operation)),
			async ([values, { type, body }]) => {
			const meant = await MEANT[operation.name]?.() ?? {};
			const target = await concrete(operation) + query(meant.query ?? values);
			const input = { type, body, ...meant };
			const reply = await send(operation, target, input);
			assertAccepted(operation, reply, [target, input.body]);
			if (operation.name in MEANT)
				assert.ok(went(reply), `${operation.name}: ${reply.status} ${reply.text}`);
			await AFTER[operation.name]?.(reply);
			if (!went(reply))
				return;
			keepUp(operation, reply);
			await assertFollowUps(operation, target, input, reply);
		}, runsOf(operation));
	});

	// What a good reply leads to: the next page, the same again, a retry.
	async function assertFollowUps(operation, target, input, reply) {
		const headers = new Set(operation.parameters('header').map((p) => p.name));
		if (headers.has('If-None-Match') && operation.method === 'GET') {
			const again = await send(operation, target,
				{ headers: { 'if-none-match': reply.headers.etag } });
			assert.equal(again.status, 304, `${target} ${reply.headers.etag} ${again.headers.etag}`);
			assertDocumented(operation, again, target);
		}
		if (headers.has('If-Match') && operation.method !== 'DELETE') {
			const stale = await send(operation, await concrete(operation),
				{ ...input, headers: { 'if-match': '"another"' } });
			assert.equal(stale.status, 412);
			assertDocumented(operation, stale, target);
		}
		if (reply.headers['content-type'] === 'application/json' && reply.json.next_cursor) {
			const next = await send(operation,
				`${target}${target.includes('?') ? '&' : '?'}cursor=${reply.json.next_cursor}`);
			assert.equal(next.status, 200, next.text);
			assertDocumented(operation, next, target);
		}
	}

	each('that create give a retry the first reply', async (operation) => {
		await check(bodiesOf(operation), async ({ type, body }) => {
			const headers = { 'idempotency-key': crypto.randomUUID() };
			const target = await concrete(operation);
			const [first, second] = [await send(operation, target, { type, body, headers }),
				await send(operation, target, { type, body, headers })];
			assertAccepted(operation, first, body);
			if (!went(first))
				return;
			await AFTER[operation.name]?.(first);
			assertDocumented(operation, second, body);
			assert.equal(second.text, first.text);
			assert.equal(second.headers['idempotent-replayed'], 'true');
		}, Math.min(RUNS, 10));
	}, (operation) => operation.parameters('header').some((p) => p.name === 'Idempotency-Key'));

	each('refuse input with one thing wrong, and say where', async (operation) => {
		await check(brokenBodiesOf(document, operation.bodySchema),
			async ({ keyword, pointer, value }) => {
			const target = await concrete(operation);
			const reply = await send(operation, target,
				{ type: operation.bodyTypes[0], body: JSON.stringify(value) });
			const told = `${operation.name} ${keyword} ${pointer}: ${JSON.stringify(value).slice(0, 300)}: ${reply.text}`;
			assert.equal(reply.status, 422, told);
			assertDocumented(operation, reply, value);
			assert.ok(reply.json.errors.some((e) => e.pointer === pointer), told);
		});
	}, takesJson);

	each('refuse a query with one thing wrong, and say where', async (operation) => {
		await check(brokenQueriesOf(document, operation.parameters('query')),
			async ({ keyword, pointer, name, value }) => {
			const target = await concrete(operation) + query({ [name]: value });
			const reply = await send(operation, target);
			assert.equal(reply.status, 422, `${target}: ${keyword}: ${reply.text}`);
			assertDocumented(operation, reply, target);
			assert.ok(reply.json.errors.some((e) => e.pointer === pointer),
				`${target}: ${reply.text}`);
		});
	}, (operation) => operation.method === 'GET' && hasProblems(operation) &&
		// Codes may be so long that one that is too long is too long a query.
		operation.path !== '/v1/auth/oauth/{provider}/callback');

	each('refuse what is no JSON, or no type they take', async (operation) => {
		const target = await concrete(operation);
		const rows = [
			[operation.bodyTypes[0], '{"a":', 400], [operation.bodyTypes[0], '{"a":1,"a":2}', 400],
			[operation.bodyTypes[0], Buffer.from('{"a":"\xff"}', 'latin1'), 400],
			[operation.bodyTypes[0], '[['.repeat(40), 400],
			['text/plain', '{}', 415], ['application/xml', '<a/>', 415],
		];
		for (const [type, body, status] of rows) {
			const reply = await send(operation, target, { type, body });
			assert.equal(reply.status, status, `${type} ${body}: ${reply.text}`);
			assertDocumented(operation, reply, body);
		}
	}, takesJson);

	each('ask for credentials where they need some', async (operation) => {
		const target = await concrete(operation);
		for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
			const reply = await send(operation, target, { token: undefined, headers });
			assert.equal(reply.status, 401, reply.text);
			assertDocumented(operation, reply, target);
		}
	}, (operation) => !operation.open && operation.path !== '/metrics');

	each('that are open need none', async (operation) => {
		for (const [collection, { id }] of Object.entries(examples.items))
			await client.post(`/v1/${collection}/${id}/publish`, {}, { token });
		const reply = await send(operation, await concrete(operation), { token: undefined });
		assertDocumented(operation, reply, '');
		if (operation.method === 'GET' && operation.path !== '/oauth2/authorize' && !ELSEWHERE.has(operation.name))
			assert.equal(reply.status, 200, reply.text);
	}, (operation) => operation.open);

	each('name what is not there', async (operation) => {
		const target = operation.path.replaceAll(/\{[^}]*\}/g, 'not-there');
		const reply = await send(operation, target);
		assert.equal(reply.status, 404, `${target}: ${reply.text}`);
		assertDocumented(operation, reply, target);
	}, (operation) => operation.path.includes('{') && !operation.bodyRequired);
});

describe('paths', () => {
	test('answer the methods documented and name them for any other', async () => {
		for (const [pattern, item] of Object.entries(document.json.paths)) {
			const target = pattern.replaceAll(/\{[^}]*\}/g, 'x');
			const documented = new Set(Object.keys(item).map((m) => m.toUpperCase()));
			if (documented.has('GET'))
				documented.add('HEAD');
			documented.add('OPTIONS');
			const allowed = (reply) => reply.headers.allow.split(', ').sort();

			const options = await client.request('OPTIONS', target);
			assert.equal(options.status, 204, target);
			assert.deepEqual(allowed(options), [...documented].sort(), `OPTIONS ${target}`);
			for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE',
				'PROPFIND']) {
				if (documented.has(method))
					continue;
				const reply = await client.request(method, target, { token });
				assert.equal(reply.status, 405, `${method} ${target}: ${reply.text}`);
				assert.deepEqual(allowed(reply), [...documented].sort(), `${method} ${target}`);
				if (method !== 'HEAD')
					assert.equal(reply.json.type, '/problems/method-not-allowed');
			}
		}
	});
});
