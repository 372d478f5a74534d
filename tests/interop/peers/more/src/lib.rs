//! The language of the peer processes (../../words.py), for stacks in Rust.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

pub type Frames = Vec<Vec<u8>>;
pub type Options = HashMap<String, Vec<u8>>;

/// What a stack has to offer. Errors are texts that begin with the errno's name if there is one.
pub trait Stack {
    fn open(&mut self, name: &str, kind: &str, how: &str, endpoint: &str, options: Options) -> Result<String, String>;
    fn send(&mut self, name: &str, frames: Frames) -> Result<(), String>;
    fn recv(&mut self, name: &str, milliseconds: u64) -> Result<Frames, String>;
    fn close(&mut self, name: &str);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn crc32(octets: &[u8], table: &[u32; 256]) -> u32 {
    !octets.iter().fold(!0, |crc, octet| table[((crc ^ u32::from(*octet)) & 255) as usize] ^ (crc >> 8))
}

fn table() -> [u32; 256] {
    let mut table = [0; 256];
    for (n, entry) in table.iter_mut().enumerate() {
        *entry = (0..8).fold(n as u32, |c, _| if c & 1 != 0 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    }
    table
}

fn frame(word: &str, last: Option<&Frames>) -> Vec<u8> {
    let rest = &word[1..];
    match &word[..1] {
        "x" => unhex(rest),
        "r" => last.unwrap()[rest.parse::<usize>().unwrap()].clone(),
        _ => {
            let (seed, length) = rest.split_once(':').unwrap();
            let seed: usize = seed.parse().unwrap();
            (0..length.parse::<usize>().unwrap()).map(|i| (seed + i) as u8).collect()
        }
    }
}

pub fn run(version: &str, mut stack: impl Stack) {
    let table = table();
    let mut last: HashMap<String, Frames> = HashMap::new();
    let mut answer = |words: &[&str]| -> Result<String, String> {
        match words[0] {
            "open" => {
                let options = words[5..].iter().map(|word| {
                    let (key, value) = word.split_once('=').unwrap();
                    (key.to_string(), value.strip_prefix('x').map_or_else(|| value.as_bytes().to_vec(), unhex))
                });
                stack.open(words[1], words[2], words[3], words[4], options.collect())
            }
            "send" => {
                let frames = words[2..].iter().map(|word| frame(word, last.get(words[1]))).collect();
                stack.send(words[1], frames).map(|()| String::new())
            }
            "recv" => {
                let frames = stack.recv(words[1], words[2].parse().unwrap())?;
                let digests: Vec<String> = frames
                    .iter()
                    .map(|f| {
                        let head: String = f.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
                        format!("{}:{}:{head}", f.len(), crc32(f, &table))
                    })
                    .collect();
                last.insert(words[1].to_string(), frames);
                Ok(digests.join(" "))
            }
            "close" => {
                stack.close(words[1]);
                last.remove(words[1]);
                Ok(String::new())
            }
            verb => Err(format!("not a command: {verb}")),
        }
    };
    let say = |text: &str| {
        println!("{}", text.replace('\n', " "));
        io::stdout().flush().unwrap();
    };
    say(&format!("ready {version}"));
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"quit") {
            break;
        }
        match answer(&words) {
            Ok(text) => say(&format!("ok {text}")),
            Err(text) => say(&format!("error {text}")),
        }
    }
    std::process::exit(0);
}
