// IDENTITY=cognito: the same endpoints in front of a Cognito user pool.
// The happy paths run against the emulator cognito-local; what it lacks or is too kind about (sign-out,
// resending, its exceptions) against replies as Cognito gives them.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import { Client } from './client.mjs'
import { CODE, startCognito, startRecorded } from './cognito_server.mjs'
import { startStack } from './harness.mjs'

const ME = '/v1/auth/me', DRAFTS = '/v1/blog?status=all'
const PASSWORD = 'Correct-horse-battery-1'
const claimsOf = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

// RFC 6238 over the base32 secret that an authenticator app would scan.
function totp (secret, at = Date.now()) {
  const bits = [...secret.replace(/=+$/, '')].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)))
  const mac = crypto.createHmac('sha1', key).update(counter).digest()
  const code = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff
  return String(code % 1e6).padStart(6, '0')
}

describe('in front of a user pool', () => {
  let cognito, stack, client
  before(async () => {
    cognito = await startCognito()
    stack = await startStack('lighttpd', { env: cognito.env })
    client = new Client(stack.url)
  })
  after(async () => {
    client?.close()
    await stack?.stop()
    await cognito?.stop()
  })

  const signIn = async user => {
    const reply = await client.post('/v1/auth/login', user)
    assert.equal(reply.status, 200, reply.text)
    return reply.json
  }

  test('a user of the pool signs in, and its groups are roles', async () => {
    const user = await cognito.user('admin@example.com', { password: PASSWORD, groups: ['admins'] })
    const tokens = await signIn(user)
    assert.deepEqual(Object.keys(tokens).sort(), ['access_token', 'expires_in', 'id_token', 'refresh_token', 'token_type'])
    const me = await client.get(ME, { token: tokens.access_token })
    assert.equal(me.status, 200, me.text)
    assert.equal(me.json.email, user.email)
    assert.equal(me.json.id, claimsOf(tokens.access_token).sub)
    assert.ok(me.json.roles.includes('admin'))
    assert.equal((await client.get(DRAFTS, { token: tokens.access_token })).status, 200)
  })

  test('a user of no group is a user', async () => {
    const tokens = await signIn(await cognito.user('plain@example.com', { password: PASSWORD }))
    const me = await client.get(ME, { token: tokens.access_token })
    assert.deepEqual(me.json.roles, ['user'])
    assert.equal((await client.get(DRAFTS, { token: tokens.access_token })).status, 403)
  })

  test('an id token opens nothing', async () => {
    const tokens = await signIn(await cognito.user('id@example.com', { password: PASSWORD, groups: ['admins'] }))
    assert.equal((await client.get(ME, { token: tokens.id_token })).status, 401)
  })

  test('a wrong password and an unknown address are answered alike', async () => {
    const user = await cognito.user('known@example.com', { password: PASSWORD })
    const replies = []
    for (const email of [user.email, 'nobody@example.com']) {
      const reply = await client.post('/v1/auth/login', { email, password: 'not the right one' })
      assert.equal(reply.status, 401)
      const { instance, ...body } = reply.json
      replies.push(body)
    }
    assert.deepEqual(replies[0], replies[1])
  })

  test('a temporary password is changed in signing in', async () => {
    const user = await cognito.user('new@example.com', { temporary: 'Temporary-password-1' })
    const first = await client.post('/v1/auth/login', user)
    assert.equal(first.status, 200, first.text)
    assert.equal(first.json.challenge, 'new_password')
    assert.equal(first.json.access_token, undefined)
    const reply = await client.post('/v1/auth/login/password', { session: first.json.session, new_password: PASSWORD })
    assert.equal(reply.status, 200, reply.text)
    assert.equal((await client.get(ME, { token: reply.json.access_token })).status, 200)
    await signIn({ email: user.email, password: PASSWORD })
  })

  test('who registers is confirmed by a code and signs in', async () => {
    const user = { email: 'registers@example.com', password: PASSWORD }
    const registered = await client.post('/v1/auth/register', { ...user, name: 'Grace Hopper' })
    assert.equal(registered.status, 202, registered.text)
    assert.equal((await client.post('/v1/auth/login', user)).status, 401, 'not yet confirmed')
    const confirmed = await client.post('/v1/auth/confirm', { email: user.email, code: CODE })
    assert.equal(confirmed.status, 204, confirmed.text)
    const tokens = await signIn(user)
    assert.equal((await client.get(ME, { token: tokens.access_token })).json.name, 'Grace Hopper')
  })

  test('a taken address registers with the same answer', async () => {
    const user = await cognito.user('taken@example.com', { password: PASSWORD })
    const replies = []
    for (const email of [user.email, 'free@example.com']) replies.push(await client.post('/v1/auth/register', { email, password: PASSWORD }))
    assert.deepEqual(replies.map(r => [r.status, r.text]), [[202, replies[1].text], [202, replies[1].text]])
  })

  test('a forgotten password is set anew with the code', async () => {
    const user = await cognito.user('forgets@example.com', { password: PASSWORD })
    assert.equal((await client.post('/v1/auth/password/forgot', { email: user.email })).status, 202)
    const wrong = await client.post('/v1/auth/password/reset', { email: user.email, code: '000000', new_password: 'Another-password-2' })
    assert.equal(wrong.status, 401, wrong.text)
    const reset = await client.post('/v1/auth/password/reset', { email: user.email, code: CODE, new_password: 'Another-password-2' })
    assert.equal(reset.status, 204, reset.text)
    await signIn({ email: user.email, password: 'Another-password-2' })
  })

  test('a refresh token gives new tokens', async () => {
    const tokens = await signIn(await cognito.user('refreshes@example.com', { password: PASSWORD }))
    const reply = await client.post('/v1/auth/refresh', { refresh_token: tokens.refresh_token })
    assert.equal(reply.status, 200, reply.text)
    assert.equal((await client.get(ME, { token: reply.json.access_token })).status, 200)
    assert.equal((await client.post('/v1/auth/refresh', { refresh_token: 'junk' })).status, 401)
  })

  test('a second factor is enrolled, asked for and taken off', async () => {
    const user = await cognito.user('careful@example.com', { password: PASSWORD })
    const { access_token: token } = await signIn(user)
    const enrolled = await client.post('/v1/auth/totp', {}, { token })
    assert.ok([200, 201].includes(enrolled.status), enrolled.text)
    assert.equal((await client.post('/v1/auth/totp/verify', { code: '000000' }, { token })).status < 500, true)
    const verified = await client.post('/v1/auth/totp/verify', { code: totp(enrolled.json.secret) }, { token })
    assert.equal(verified.status, 200, verified.text)
    assert.deepEqual(verified.json.recovery_codes, [])
  })

  test('the name is changed', async () => {
    const { access_token: token } = await signIn(await cognito.user('renames@example.com', { password: PASSWORD }))
    const before = await client.get(ME, { token })
    const changed = await client.patch(ME, { name: 'Ada' }, { token, headers: { 'if-match': before.headers.etag } })
    assert.equal(changed.status, 200, changed.text)
    assert.equal((await client.get(ME, { token })).json.name, 'Ada')
    const stale = await client.patch(ME, { name: 'Bea' }, { token, headers: { 'if-match': before.headers.etag } })
    assert.equal(stale.status, 412)
  })

  test('what the provider cannot do is 501', async () => {
    const { access_token: token } = await signIn(await cognito.user('lists@example.com', { password: PASSWORD }))
    const reply = await client.get('/v1/auth/sessions', { token })
    assert.equal(reply.status, 501)
    assert.equal(reply.headers['content-type'], 'application/problem+json')
  })

  test('forged tokens are refused though the emulator would take them', async () => {
    const { access_token: token } = await signIn(await cognito.user('forged@example.com', { password: PASSWORD }))
    const [header, payload, signature] = token.split('.')
    const owner = Buffer.from(JSON.stringify({ ...claimsOf(token), 'cognito:groups': ['owners'] })).toString('base64url')
    assert.equal((await client.get(ME, { token: [header, owner, signature].join('.') })).status, 401)
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    assert.equal((await client.get(ME, { token: [none, payload, ''].join('.') })).status, 401)
  })

  test('while the pool is away known tokens are good and sign-in is 503', async () => {
    const user = await cognito.user('waits@example.com', { password: PASSWORD, groups: ['admins'] })
    const { access_token: token } = await signIn(user)
    assert.equal((await client.get(DRAFTS, { token })).status, 200)
    await cognito.stop()
    assert.equal((await client.get(DRAFTS, { token })).status, 200)
    const reply = await client.post('/v1/auth/login', user)
    assert.equal(reply.status, 503, reply.text)
    assert.ok(Number(reply.headers['retry-after']) > 0)
  })
})

describe('as Cognito answers', () => {
  const POOL = 'eu-west-1_Recorded1', SUB = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
  let recorded, stack, client, key
  const refused = (type, message = '') => [400, { __type: type, message }]
  const replies = {}

  before(async () => {
    key = await jose.generateKeyPair('RS256')
    const jwk = { ...await jose.exportJWK(key.publicKey), kid: 'recorded', alg: 'RS256', use: 'sig' }
    replies.jwks = { keys: [jwk] }
    recorded = await startRecorded(POOL, replies)
    stack = await startStack('lighttpd', { env: recorded.env })
    client = new Client(stack.url)
  })
  after(async () => {
    client?.close()
    await stack?.stop()
    await recorded?.stop()
  })

  const accessToken = (claims = {}) => new jose.SignJWT({
    token_use: 'access', client_id: 'client', username: SUB, origin_jti: crypto.randomUUID(), 'cognito:groups': ['admins'], scope: 'aws.cognito.signin.user.admin', ...claims
  }).setProtectedHeader({ alg: 'RS256', kid: 'recorded' }).setIssuer(recorded.issuer).setSubject(SUB).setIssuedAt().setExpirationTime('1h').setJti(crypto.randomUUID()).sign(key.privateKey)

  const result = async claims => [200, { AuthenticationResult: { AccessToken: await accessToken(claims), IdToken: 'eyJ.e30.AA', RefreshToken: 'refresh', ExpiresIn: 3600, TokenType: 'Bearer' }, ChallengeParameters: {} }]
  const login = () => client.post('/v1/auth/login', { email: 'ada@example.com', password: PASSWORD })

  test('every exception about who signs in is one answer', async () => {
    const seen = new Set()
    for (const type of ['NotAuthorizedException', 'UserNotFoundException', 'UserNotConfirmedException', 'PasswordResetRequiredException']) {
      replies.InitiateAuth = refused(type, 'Incorrect username or password.')
      const reply = await login()
      assert.equal(reply.status, 401, type)
      seen.add(JSON.stringify({ ...reply.json, instance: '' }))
    }
    assert.equal(seen.size, 1)
  })

  test('the request carries the secret hash of the client', async () => {
    replies.InitiateAuth = refused('NotAuthorizedException')
    await login()
    const { AuthFlow, AuthParameters, ClientId } = recorded.last('InitiateAuth')
    assert.equal(AuthFlow, 'USER_PASSWORD_AUTH')
    const hash = crypto.createHmac('sha256', 'test only secret').update('ada@example.com' + ClientId).digest('base64')
    assert.equal(AuthParameters.SECRET_HASH, hash)
  })

  test('a refresh goes out with the hash of the user that Cognito knows', async () => {
    replies.InitiateAuth = await result()
    const tokens = (await login()).json
    const refreshed = await client.post('/v1/auth/refresh', { refresh_token: tokens.refresh_token })
    assert.equal(refreshed.status, 200, refreshed.text)
    const { AuthFlow, AuthParameters } = recorded.last('InitiateAuth')
    assert.equal(AuthFlow, 'REFRESH_TOKEN_AUTH')
    assert.equal(AuthParameters.REFRESH_TOKEN, 'refresh')
    assert.equal(AuthParameters.SECRET_HASH, crypto.createHmac('sha256', 'test only secret').update(SUB + 'client').digest('base64'))
  })

  test('a second factor that the pool asks for is a challenge, and its code goes out with the session', async () => {
    replies.InitiateAuth = [200, { ChallengeName: 'SOFTWARE_TOKEN_MFA', Session: 'of the pool', ChallengeParameters: { USER_ID_FOR_SRP: SUB } }]
    const { challenge, session, access_token: none } = (await login()).json
    assert.deepEqual([challenge, none], ['totp', undefined])
    replies.RespondToAuthChallenge = refused('CodeMismatchException', 'Invalid code received for user')
    assert.equal((await client.post('/v1/auth/login/totp', { session, code: '000000' })).status, 401)
    replies.RespondToAuthChallenge = await result()
    const reply = await client.post('/v1/auth/login/totp', { session, code: '123456' })
    assert.equal(reply.status, 200, reply.text)
    const { ChallengeName, Session, ChallengeResponses } = recorded.last('RespondToAuthChallenge')
    assert.deepEqual([ChallengeName, Session, ChallengeResponses.USERNAME, ChallengeResponses.SOFTWARE_TOKEN_MFA_CODE],
      ['SOFTWARE_TOKEN_MFA', 'of the pool', SUB, '123456'])
    assert.equal((await client.post('/v1/auth/login/totp', { session: 'made up', code: '123456' })).status, 401)
  })

  test('nobody gets an API key whose owner this installation does not keep', async () => {
    const reply = await client.post('/v1/developer/keys', { name: 'ci', scopes: ['content:read'] }, { token: await accessToken() })
    assert.equal(reply.status, 501, reply.text)
  })

  test('a step that is not understood is 501 and says which are', async () => {
    replies.InitiateAuth = [200, { ChallengeName: 'SMS_MFA', Session: 's', ChallengeParameters: {} }]
    const reply = await login()
    assert.equal(reply.status, 501, reply.text)
    assert.match(reply.json.detail, /authenticator app/)
  })

  test('too many requests are 429', async () => {
    replies.InitiateAuth = refused('TooManyRequestsException', 'Rate exceeded')
    assert.equal((await login()).status, 429)
  })

  test('what nobody expects is 503 and never its text', async () => {
    for (const odd of [[500, { __type: 'InternalErrorException', message: 'secret detail' }], [200, 'not json'], [200, {}], [502, '<html>']]) {
      replies.InitiateAuth = odd
      const reply = await login()
      assert.ok([501, 503].includes(reply.status), `${JSON.stringify(odd)}: ${reply.status}`)
      assert.ok(!reply.text.includes('secret detail'))
    }
  })

  test('signing out everywhere is GlobalSignOut, and the token is over here', async () => {
    replies.InitiateAuth = await result()
    replies.GlobalSignOut = [200, {}]
    const { access_token: token } = (await login()).json
    assert.equal((await client.get(DRAFTS, { token })).status, 200)
    const out = await client.post('/v1/auth/logout', { everywhere: true }, { token })
    assert.equal(out.status, 204, out.text)
    assert.equal(recorded.last('GlobalSignOut').AccessToken, token)
    assert.equal((await client.get(DRAFTS, { token })).status, 401)
  })

  test('signing out revokes the refresh token that is given', async () => {
    replies.InitiateAuth = await result()
    replies.RevokeToken = [200, {}]
    const tokens = (await login()).json
    const out = await client.post('/v1/auth/logout', { refresh_token: tokens.refresh_token }, { token: tokens.access_token })
    assert.equal(out.status, 204, out.text)
    assert.equal(recorded.last('RevokeToken').Token, 'refresh')
    assert.equal((await client.get(DRAFTS, { token: tokens.access_token })).status, 401)
  })

  test('resending a code and a forgotten password tell nothing about the address', async () => {
    for (const [operation, path] of [['ResendConfirmationCode', '/v1/auth/confirm/resend'], ['ForgotPassword', '/v1/auth/password/forgot']]) {
      const seen = new Set()
      for (const answer of [[200, { CodeDeliveryDetails: {} }], refused('UserNotFoundException'), refused('InvalidParameterException', 'User is already confirmed.'), refused('LimitExceededException')]) {
        replies[operation] = answer
        const reply = await client.post(path, { email: 'ada@example.com' })
        seen.add(`${reply.status} ${reply.text}`)
      }
      assert.equal(seen.size, 1, [...seen].join(' | '))
      assert.match([...seen][0], /^202/)
    }
  })

  test('a password that the pool does not take is a field error in its words', async () => {
    replies.SignUp = refused('InvalidPasswordException', 'Password did not conform with policy: Password must have symbol characters')
    const reply = await client.post('/v1/auth/register', { email: 'ada@example.com', password: PASSWORD })
    assert.equal(reply.status, 422, reply.text)
    assert.equal(reply.json.errors[0].pointer, '/password')
    assert.match(reply.json.errors[0].detail, /symbol/)
  })

  test('tokens of another client, another pool and another use are refused', async () => {
    for (const claims of [{ client_id: 'other' }, { token_use: 'id' }]) {
      assert.equal((await client.get(DRAFTS, { token: await accessToken(claims) })).status, 401, JSON.stringify(claims))
    }
    assert.equal((await client.get(DRAFTS, { token: await accessToken() })).status, 200)
  })
})
