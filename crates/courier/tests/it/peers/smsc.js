// An SMSC by npm smpp. It tells what it gets as lines, and does what it is told by lines.
const smpp = require('smpp');
const readline = require('readline');
const sessions = new Set();
let next = 1, throttle = 0, lose = 0, later = [];
const server = smpp.createServer({}, session => {
  session.on('error', () => {});
  session.on('close', () => sessions.delete(session));
  session.on('bind_transceiver', pdu => {
    if (pdu.password !== 'secret') return session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
    console.log('bind', JSON.stringify({ system_id: pdu.system_id, version: pdu.interface_version }));
    session.send(pdu.response());
    sessions.add(session);
  });
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('submit_sm', pdu => {
    if (throttle > 0) { throttle--; return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED })); }
    if (pdu.destination_addr === '670999') return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    const id = 'A' + (next++).toString(16).padStart(4, '0');
    const message = pdu.short_message.message;
    console.log('submit', JSON.stringify({
      to: pdu.destination_addr, ton: pdu.dest_addr_ton, from: pdu.source_addr, coding: pdu.data_coding, esm: pdu.esm_class,
      text: typeof message === 'string' ? message : message.toString('hex'),
      udh: (pdu.short_message.udh || []).map(part => Buffer.from(part).toString('hex')), receipt: pdu.registered_delivery,
    }));
    session.send(pdu.response({ message_id: id }));
    const state = lose > 0 ? (lose--, 'UNDELIV') : 'DELIVRD';
    session.deliver_sm({ esm_class: 4, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2611301425 done date:2611301426 stat:${state} err:000 text:` });
  });
});
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
readline.createInterface({ input: process.stdin }).on('line', line => {
  const [word, ...rest] = line.split(' ');
  if (word === 'throttle') throttle = Number(rest[0]);
  if (word === 'lose') lose = Number(rest[0]);
  if (word === 'hang-up') for (const session of sessions) session.socket.destroy();
  if (word === 'deliver') for (const session of sessions) session.deliver_sm(JSON.parse(rest.join(' ')), answer => console.log('taken', answer.command_status));
}).on('close', () => process.exit(0));
