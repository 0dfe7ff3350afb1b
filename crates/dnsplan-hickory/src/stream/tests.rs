use std::net::Ipv4Addr;

use hickory_proto::op::{Message, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// Only a defect waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);
const MOMENT: Duration = Duration::from_millis(10);

/// A server for no zone at all, with these limits; it ends with the runtime.
async fn start(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(listen(listener, Handler::new([]).unwrap(), limits));
    address
}

/// Asks on a connection, and says whether an answer comes before the end.
async fn is_served(stream: &mut TcpStream) -> bool {
    let mut request = Message::new(7, MessageType::Query, OpCode::Query);
    request.add_query(Query::query(Name::root(), RecordType::SOA));
    if stream.write_all(&framed(&request.to_vec().unwrap())).await.is_err() {
        return false;
    }
    let answer = timeout(PATIENCE, receive(stream)).await.expect("an answer or the end comes in time");
    matches!(answer, Ok(Some(bytes)) if Message::from_vec(&bytes).unwrap().metadata.id == 7)
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    timeout(PATIENCE, stream.read_u8()).await.is_ok_and(|read| read.is_err())
}

#[tokio::test]
async fn a_client_has_no_more_connections_than_its_share() {
    let server = start(Limits { most: 100, each: 2, idle: NEVER, brief: NEVER, age: NEVER }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server).await.unwrap();
        assert!(is_served(&mut stream).await);
        held.push(stream);
    }
    assert!(!is_served(&mut TcpStream::connect(server).await.unwrap()).await, "a third is closed");
    for stream in &mut held {
        assert!(is_served(stream).await, "the others go on");
    }
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    assert!(is_served(&mut socket.connect(server).await.unwrap()).await, "another client has its own share");
    // A place comes back when its connection ends.
    held.pop();
    let again = async { while !is_served(&mut TcpStream::connect(server).await.unwrap()).await {} };
    timeout(PATIENCE, again).await.expect("there is a place again");
}

#[tokio::test]
async fn idle_connections_make_room_where_connections_are_scarce() {
    let server = start(Limits { most: 8, each: 100, idle: NEVER, brief: MOMENT, age: NEVER }).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        idle.push(TcpStream::connect(server).await.unwrap());
    }
    assert!(is_served(&mut TcpStream::connect(server).await.unwrap()).await, "the ninth is served");
    for stream in &mut idle[..4] {
        assert!(is_closed(stream).await, "those that came first were idle for long enough");
    }
}

#[tokio::test]
async fn idle_connections_stay_where_there_are_enough() {
    let limits = Limits { most: 8, each: 100, idle: NEVER, brief: MOMENT, age: NEVER };
    let server = start(limits).await;
    let mut idle = TcpStream::connect(server).await.unwrap();
    assert!(is_served(&mut idle).await);
    // So many looks at whether connections are scarce pass meanwhile.
    assert!(timeout(5 * limits.brief, idle.read_u8()).await.is_err(), "nothing comes, and no end");
    assert!(is_served(&mut idle).await);
}

#[tokio::test]
async fn a_connection_is_closed_after_its_idle_time_with_half_a_request_too() {
    let server = start(Limits { most: 100, each: 100, idle: 3 * MOMENT, brief: MOMENT, age: NEVER }).await;
    assert!(is_closed(&mut TcpStream::connect(server).await.unwrap()).await);
    let mut half = TcpStream::connect(server).await.unwrap();
    half.write_all(&[0, 100, 1, 2, 3]).await.unwrap();
    assert!(is_closed(&mut half).await);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up_in_the_midst_of_a_message() {
    let (mut ours, mut theirs) = duplex(64);
    let mut pace = Pace::new(5 * MOMENT, 1);
    let sent = timeout(PATIENCE, send_at(&mut ours, &[0; 1_000], &mut pace)).await.expect("it ends");
    assert!(matches!(sent, Err(Ended::TooSlow(_))), "{sent:?}");
    drop(ours);
    let mut taken = Vec::new();
    theirs.read_to_end(&mut taken).await.unwrap();
    assert_eq!(taken.len(), 64, "what the pipe holds");
}

#[tokio::test]
async fn a_client_that_takes_a_byte_now_and_then_is_given_up_too() {
    let (mut ours, mut theirs) = duplex(64);
    // It never waits for as long as the longest time; all of it would take minutes.
    let trickle = async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        loop {
            ticks.tick().await;
            theirs.read_u8().await.unwrap();
        }
    };
    let mut pace = Pace::new(20 * MOMENT, 1_000_000);
    let message = vec![0; 60_000];
    let sent = async { timeout(PATIENCE, send_at(&mut ours, &message, &mut pace)).await.expect("it ends") };
    tokio::select! {
        sent = sent => assert!(matches!(sent, Err(Ended::TooSlow(_))), "{sent:?}"),
        () = trickle => (),
    }
}

#[tokio::test]
async fn a_client_that_keeps_pace_gets_the_whole_message() {
    let (mut ours, mut theirs) = duplex(64);
    let message: Vec<u8> = (0..60_000_u32).map(|number| number.to_be_bytes()[3]).collect();
    let mut pace = Pace::new(NEVER, 1);
    let (sent, received) = tokio::join!(send_at(&mut ours, &message, &mut pace), receive(&mut theirs));
    sent.unwrap();
    assert_eq!(received.unwrap(), Some(message));
}

/// Says something that is no request, again and again, more often than a connection may be idle; and whether the end comes.
async fn is_closed_on(stream: &mut TcpStream, noise: &[u8]) -> bool {
    let (mut read, mut write) = stream.split();
    let talk = async {
        while write.write_all(noise).await.is_ok() {
            sleep(MOMENT / 4).await;
        }
        std::future::pending().await
    };
    let end = async { read.read_u8().await.is_err() };
    let end = async { timeout(PATIENCE, end).await.is_ok_and(|is_end| is_end) };
    tokio::select! { is_end = end => is_end, () = talk => false }
}

#[tokio::test]
async fn what_is_no_message_ends_its_connection_and_a_response_does_not_keep_it() {
    let server = start(Limits { most: 100, each: 100, idle: NEVER, brief: NEVER, age: NEVER }).await;
    for short in [&[][..], &[0; 11]] {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(&framed(short)).await.unwrap();
        assert!(is_closed(&mut stream).await, "{short:?}");
    }
    // A header says that it is a response: it is passed over, and no request.
    let response = framed(&[0, 7, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(&response).await.unwrap();
    assert!(is_served(&mut stream).await);
    let brief = Limits { most: 100, each: 100, idle: 3 * MOMENT, brief: MOMENT, age: NEVER };
    let server = start(brief).await;
    assert!(is_closed_on(&mut TcpStream::connect(server).await.unwrap(), &response).await);
}

#[tokio::test]
async fn where_connections_are_scarce_none_is_kept_by_asking_all_the_time() {
    let limits = Limits { most: 8, each: 100, idle: NEVER, brief: NEVER, age: 3 * MOMENT };
    let server = start(limits).await;
    let mut busy = TcpStream::connect(server).await.unwrap();
    let old = Instant::now() + 4 * limits.age;
    while Instant::now() < old {
        assert!(is_served(&mut busy).await, "where there are enough, it may be as old as it likes");
    }
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(TcpStream::connect(server).await.unwrap());
        assert!(is_served(others.last_mut().unwrap()).await);
    }
    let is_ended = async { while is_served(&mut busy).await {} };
    timeout(PATIENCE, is_ended).await.expect("it has had its time");
}

mod turns;
