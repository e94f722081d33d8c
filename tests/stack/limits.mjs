// Limit policies for LIMITS: what a test of something else wants is never to be limited.
const AMPLE = 1000000;
const names = [
	'anonymous', 'user', 'analyst', 'admin', 'owner',
	'tenant-standard', 'tenant-premium', 'tenant-enterprise', 'sign-in-address', 'sign-in-account',
];

export const generousLimits = names.map((name) => ({ name, limit: AMPLE, period_ms: 1000 }));
