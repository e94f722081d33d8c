// A stack that is an OAuth server for the file that imports this, and what its clients send.
// It starts before that file's tests and stops after them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';
import * as oauth from 'oauth4webapi';
import { Client, signIn } from './client.mjs';
import { OWNER, startStack } from './harness.mjs';
import { Browser, fixedAddress } from './oauth_browser.mjs';

export const CALLBACK = 'https://app.example/callback';
export const INSECURE = { [oauth.allowInsecureRequests]: true };
export const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

let address;
export let stack, client, issuer, token;
before(async () => {
	address = await fixedAddress();
	issuer = address.url;
	stack = await startStack('lighttpd', { env: { PUBLIC_URL: issuer, REFRESH_GRACE_S: '0' } });
	address.to(stack.url);
	client = new Client(issuer);
	token = (await signIn(client)).access_token;
});
after(async () => {
	client?.close();
	address?.close();
	await stack?.stop();
});

export const CONFIDENTIAL = { name: 'Reports', type: 'confidential', redirect_uris: [CALLBACK],
	grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
	scopes: ['openid', 'profile', 'email', 'offline_access', 'content:read', 'content:write'] };
export const PUBLIC = { name: 'Pocket', type: 'public',
	redirect_uris: ['com.example.pocket:/callback', CALLBACK],
	grant_types: ['authorization_code', 'refresh_token'], scopes: ['openid', 'content:read'] };

export async function register(wish) {
	const reply = await client.post('/v1/auth/clients', wish, { token });
	assert.equal(reply.status, 201, reply.text);
	return reply.json;
}

export function pkce() {
	const verifier = base64url(crypto.randomBytes(32));
	return { verifier, challenge: base64url(crypto.createHash('sha256').update(verifier).digest()) };
}

export function authorizeUrl(parameters) {
	const url = new URL('/oauth2/authorize', issuer);
	for (const [name, value] of Object.entries(parameters))
		if (value !== undefined)
			url.searchParams.set(name, value);
	return url;
}

export const request = (registered, { challenge }, more = {}) => authorizeUrl({
	client_id: registered.id, redirect_uri: CALLBACK, response_type: 'code', state: 'st at/e',
	code_challenge: challenge, code_challenge_method: 'S256', ...more });

export const basic = ({ id, secret }) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` });

export async function post(path, form, headers = {}) {
	const reply = await fetch(issuer + path, { method: 'POST', headers,
		body: typeof form === 'string' ? form : new URLSearchParams(form),
		...typeof form === 'string' ? { headers: { ...headers,
			'content-type': 'application/x-www-form-urlencoded' } } : {} });
	const text = await reply.text();
	return { status: reply.status, headers: reply.headers, text,
		get json() { return JSON.parse(text); } };
}

// A code, and what it takes to spend it.
export async function codeFor(registered, more, browser = new Browser(issuer)) {
	const proof = pkce();
	const page = await browser.grant(request(registered, proof, more), OWNER);
	return { ...page.answer, verifier: proof.verifier, browser };
}

export const spend = (registered, { code, verifier }, more = {}, headers = basic(registered)) =>
	post('/oauth2/token', { grant_type: 'authorization_code', code, redirect_uri: CALLBACK,
		code_verifier: verifier, ...more }, headers);

export async function tokensFor(registered, more) {
	const reply = await spend(registered, await codeFor(registered, more));
	assert.equal(reply.status, 200, reply.text);
	return reply.json;
}

export const refresh = (registered, refreshToken, more = {}) => post('/oauth2/token',
	{ grant_type: 'refresh_token', refresh_token: refreshToken, ...more }, basic(registered));
export const introspect = async (registered, value) =>
	(await post('/oauth2/introspect', { token: value }, basic(registered))).json;

export function assertError(reply, status, error) {
	assert.equal(reply.status, status, reply.text);
	assert.equal(reply.json.error, error, reply.text);
	assert.equal(typeof reply.json.error_description, 'string');
	assert.match(reply.headers.get('cache-control'), /no-store/);
}
