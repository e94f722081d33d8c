// An OpenAPI 3.1 document as tests use it: its operations, checks of replies against
// it, input made of its schemas, and that input with one keyword broken.
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];
const COMPONENTS = 'https://schemas.invalid/components';

export class Document {
	constructor(json) {
		this.json = json;
		this.ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true,
			allowUnionTypes: true });
		addFormats.default(this.ajv);
		this.ajv.addVocabulary(['example']);
		this.ajv.addSchema({ $id: COMPONENTS, $defs: rewritten(json.components.schemas) });
		this.validators = new Map();
	}

	resolve(value) {
		while (value?.$ref !== undefined)
			value = value.$ref.split('/').slice(1).reduce((at, name) =>
				at[name.replaceAll('~1', '/').replaceAll('~0', '~')], this.json);
		return value;
	}

	// What is wrong with `value` under a schema of the document; '' for nothing.
	faults(schema, value) {
		const key = JSON.stringify(schema);
		if (!this.validators.has(key))
			this.validators.set(key, this.ajv.compile(rewritten(schema)));
		const validate = this.validators.get(key);
		return validate(value) ? '' : this.ajv.errorsText(validate.errors);
	}

	// Each operation, with what it refers to put in its place.
	operations() {
		return Object.entries(this.json.paths).flatMap(([path, item]) =>
			METHODS.filter((method) => item[method]).map((method) => {
				const operation = item[method];
				const parameters = (operation.parameters ?? []).map((p) => this.resolve(p));
				const content = operation.requestBody?.content ?? {};
				return {
					name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(),
					path,
					id: operation.operationId,
					parameters: (place) => parameters.filter((p) => p.in === place),
					open: operation.security.some((s) => Object.keys(s).length === 0),
					bodyTypes: Object.keys(content),
					bodyRequired: operation.requestBody?.required === true,
					bodySchema: Object.values(content)[0]?.schema,
					responses: Object.fromEntries(Object.entries(operation.responses)
						.map(([status, response]) => [status, this.resolve(response)])),
				};
			}));
	}

	// What about a reply is not as its operation says; '' for nothing.
	replyFaults(operation, reply) {
		const response = operation.responses[reply.status];
		if (response === undefined)
			return `status ${reply.status} is not documented: ${reply.text.slice(0, 300)}`;
		for (const name of Object.keys(response.headers ?? {}))
			if (reply.headers[name.toLowerCase()] === undefined && !OPTIONAL_HEADERS.has(name))
				return `${reply.status} comes without its header ${name}`;
		const types = Object.keys(response.content ?? {});
		if (types.length === 0)
			return reply.bytes.length === 0 ? '' : `${reply.status} has a body`;
		const type = reply.headers['content-type'] ?? '';
		const documented = types.find((t) => t === type || t === type.split(';')[0] || t === '*/*');
		if (documented === undefined)
			return `Content-Type ${type} is none of ${types}`;
		const { schema } = response.content[documented];
		if (!/[/+]json$/.test(documented))
			return '';
		return this.faults(schema, reply.json).replace(/^(.)/, `${reply.status}: $1`);
	}
}

// These depend on the reply: a last page has no Link, a session signs no requests.
const OPTIONAL_HEADERS = new Set(['Link', 'Idempotent-Replayed', 'Accept-Signature']);

function rewritten(value) {
	if (Array.isArray(value))
		return value.map(rewritten);
	if (value === null || typeof value !== 'object')
		return value;
	return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, key === '$ref' ?
		v.replace('#/components/schemas/', `${COMPONENTS}#/$defs/`) : rewritten(v)]));
}

// --- input ------------------------------------------------------------------------

const instant = fc.record({
	date: fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2199-12-31T00:00:00Z'),
		noInvalidDate: true }),
	digits: fc.constantFrom('', '.5', '.125', '.123456', '.999999999'),
	zone: fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+05:30', '-11:00'),
	separator: fc.constantFrom('T', 't'),
}).map(({ date, digits, zone, separator }) =>
	date.toISOString().slice(0, 19).replace('T', separator) + digits + zone);

// Text of one line: control characters are no part of it.
const character = fc.oneof(
	{ weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
	{ weight: 2, arbitrary: fc.constantFrom(0x22, 0x5c, 0x2f, 0x3c, 0x26, 0x27, 0xa0, 0xe9, 0x2028, 0xfeff,
		0x202e) },
	{ weight: 1, arbitrary: fc.integer({ min: 0xa1, max: 0xd7ff }) },
	{ weight: 1, arbitrary: fc.integer({ min: 0x1f300, max: 0x1faff }) },
).map((code) => String.fromCodePoint(code));
const text = ({ minLength = 0, maxLength = 200 }) => fc.oneof(
	{ weight: 8, arbitrary: fc.array(character, { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) })
		.map((list) => list.join('')) },
	{ weight: 1, arbitrary: fc.constant('x'.repeat(Math.min(maxLength, 20000))) },
);

const FORMATS = {
	'date-time': instant,
	date: instant.map((time) => time.slice(0, 10)),
	uri: fc.webUrl({ validSchemes: ['http', 'https'], withFragments: true, withQueryParameters: true })
		.filter((url) => url.length < 400),
	email: fc.emailAddress(),
	uuid: fc.uuid(),
	password: text({ minLength: 12, maxLength: 60 }),
};

function stringOf(schema) {
	if (schema.format in FORMATS)
		return FORMATS[schema.format];
	if (schema.pattern !== undefined)
		return fc.stringMatching(new RegExp(schema.pattern))
			.map((s) => s.slice(0, Math.min(schema.maxLength ?? 64, 60)).replace(/-$/, ''));
	return text(schema);
}

const BY_TYPE = {
	string: (document, schema) => stringOf(schema),
	integer: (document, { minimum = -1e9, maximum = 1e9 }) => fc.integer({ min: minimum, max: maximum }),
	number: (document, { minimum = -1e9, maximum = 1e9 }) =>
		fc.double({ min: minimum, max: maximum, noNaN: true }),
	boolean: () => fc.boolean(),
	null: () => fc.constant(null),
	array: (document, schema) => fc.oneof(
		{ weight: 6, arbitrary: fc.array(inputOf(document, schema.items),
			{ maxLength: Math.min(schema.maxItems ?? 5, 5) }) },
		{ weight: 1, arbitrary: fc.array(inputOf(document, schema.items),
			{ minLength: schema.maxItems ?? 0, maxLength: schema.maxItems ?? 0, size: 'max' }) }),
	object: (document, schema) => {
		const writable = Object.entries(schema.properties)
			.filter(([, property]) => !document.resolve(property).readOnly);
		const required = (schema.required ?? []).filter((name) => writable.some(([n]) => n === name));
		return fc.record(Object.fromEntries(writable.map(([name, property]) =>
			[name, inputOf(document, property)])), { requiredKeys: required });
	},
};

// Values that a client may send under `schema`.
export function inputOf(document, schema) {
	const s = document.resolve(schema);
	if (s.anyOf)
		return fc.oneof(...s.anyOf.map((one) => inputOf(document, one)));
	if (s.enum)
		return fc.constantFrom(...s.enum);
	return fc.oneof(...[s.type].flat().map((type) => BY_TYPE[type](document, s)));
}

// --- broken input --------------------------------------------------------------------

// What may be null is one of two where it is an object.
const typeOf = (schema) => schema.anyOf ? 'object' : [schema.type].flat().find((type) => type !== 'null');

// Every way to break one value: [keyword, what to put there].
function breakages(schema) {
	const ways = [];
	const add = (keyword, value) => ways.push([keyword, value]);
	const type = typeOf(schema);
	add('type', type === 'string' ? 17 : 'seventeen');
	add('type', type === 'object' ? [] : { an: 'object' });
	if (type !== 'array')
		add('type', []);
	if (type === 'integer')
		add('type', 1.5);
	if (type === 'boolean')
		add('type', 'true');
	if (![schema.type].flat().includes('null') && !schema.anyOf?.some((one) => one.type === 'null'))
		add('null', null);
	if (schema.enum)
		add('enum', 'none-of-them');
	if (schema.pattern)
		add('pattern', 'NOT the Pattern!');
	if (['uri', 'email', 'uuid', 'date', 'date-time'].includes(schema.format))
		add('format', 'no such format');
	if (schema.format === 'date')
		add('format', '2025-02-30');
	if (schema.format === 'date-time')
		add('format', '2025-01-01T25:00:00Z');
	if (schema.maxLength && !schema.format && !schema.pattern)
		add('maxLength', 'x'.repeat(schema.maxLength + 1));
	if (schema.minLength)
		add('minLength', 'x'.repeat(schema.minLength - 1));
	if (schema.minimum !== undefined)
		add('minimum', schema.minimum - 1);
	if (schema.maximum !== undefined)
		add('maximum', schema.maximum + 1);
	if (schema.maxItems)
		add('maxItems', Array(schema.maxItems + 1).fill('x'));
	return ways;
}

const escaped = (name) => name.replaceAll('~', '~0').replaceAll('/', '~1');

// Valid input and every way to break it once: { value, keyword, pointer }.
export function brokenBodiesOf(document, schema) {
	const s = document.resolve(schema);
	const ways = [];
	const put = (name, keyword, value, pointer = `/${escaped(name)}`) => ways.push({ keyword, pointer,
		apply: (body) => ({ ...body, [name]: value }) });
	for (const [name, property] of Object.entries(s.properties)) {
		const p = document.resolve(property);
		if (p.readOnly) {
			put(name, 'readOnly', 'anything');
			continue;
		}
		for (const [keyword, value] of breakages(p))
			put(name, keyword, value);
		if (typeOf(p) === 'array')
			for (const [keyword, value] of breakages(document.resolve(p.items)))
				put(name, `items ${keyword}`, [value], `/${name}/0`);
		if (s.required?.includes(name))
			ways.push({ keyword: 'required', pointer: `/${name}`,
				apply: ({ [name]: gone, ...rest }) => rest });
	}
	if (s.additionalProperties === false)
		for (const name of ['unknown', 'a/b~c', '__proto__x', ''])
			put(name, 'additionalProperties', 1);
	for (const value of [[], 'text', 1, null, true])
		ways.push({ keyword: 'type of all', pointer: '', apply: () => value });
	return inputOf(document, s).chain((body) =>
		fc.constantFrom(...ways).map(({ apply, ...way }) => ({ ...way, value: apply(body) })));
}

// The same for one value of a query, which is text.
export function brokenQueriesOf(document, parameters) {
	const ways = [{ keyword: 'unknown', pointer: '/none_of_them', name: 'none_of_them', value: '1' }];
	for (const { name, schema } of parameters) {
		const s = document.resolve(schema);
		for (const [keyword, value] of breakages(s)) {
			const sendable = typeOf(s) === 'string' ? keyword !== 'type' : !Array.isArray(value);
			if (sendable && value !== null)
				ways.push({ keyword, name, pointer: `/${name}`,
					value: typeof value === 'object' ?
						JSON.stringify(value) : String(value) });
		}
	}
	return fc.constantFrom(...ways);
}
