# A mail server by aiosmtpd that wants a login, is busy once for one address, and does not know another.
import asyncio, email, email.policy, json, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

busy = {'busy@una.example': 1}

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if busy.get(address, 0) > 0:
            busy[address] -= 1
            return '450 try later'
        if address == 'nobody@una.example':
            return '550 no such user here'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print('mail', json.dumps({
            'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'subject': mail['subject'], 'id': mail['message-id'],
            'priority': mail['x-priority'], 'auto': mail['auto-submitted'],
            'text': mail.get_body(('plain',)).get_content().replace('\r\n', '\n')}))
        return '250 OK'

def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b'desk', b'secret')
    return AuthResult(success=good)

async def serve():
    loop = asyncio.get_running_loop()
    session = lambda: SMTP(Handler(), hostname='127.0.0.1', authenticator=authenticate, auth_required=True, auth_require_tls=False)
    server = await loop.create_server(session, '127.0.0.1', 0)
    print('port', server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)

asyncio.run(serve())
