#!/bin/sh
# Makes a Linux machine with Docker a host for Caviada, without ever opening the engine to the
# network unproven. Safe to run again.
#
#   sh setup.sh ssh USER            USER may speak to the engine; Caviada comes by SSH
#   sh setup.sh tls NAME [ADDRESS]  the engine listens on 2376, for clients with our certificate
#                                   alone; NAME (and ADDRESS) is how Caviada calls this machine
#   sh setup.sh tune                only the kernel and limits
#   sh setup.sh check               says what is missing, changes nothing
#
# Run it as root. What it made for the server's side of TLS lies in /etc/docker/caviada/client.
set -eu

DIR=/etc/docker/caviada
SYSCTL=/etc/sysctl.d/60-caviada.conf
LIMITS=/etc/systemd/system/docker.service.d/60-caviada.conf
DAYS=825

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

root() { [ "$(id -u)" = 0 ] || die "run it as root"; }
engine() { command -v dockerd >/dev/null || die "there is no dockerd: install Docker 20.10 or later"; }

# name, value, reason: the same table as in docs/operate/node.md, which `caviada doctor` checks on
# a machine that Caviada itself runs on.
settings() {
  cat <<'SETTINGS'
net.ipv4.ip_forward 1
net.ipv4.ip_local_port_range 32768 60999
net.ipv4.neigh.default.gc_thresh3 16384
net.netfilter.nf_conntrack_max 262144
net.core.somaxconn 4096
fs.inotify.max_user_instances 8192
fs.inotify.max_user_watches 524288
fs.file-max 2000000
kernel.pid_max 4194304
kernel.keys.maxkeys 20000
vm.max_map_count 262144
vm.swappiness 10
SETTINGS
}

tune() {
  settings | while read -r name value; do echo "$name = $value"; done > "$SYSCTL.new"
  mv "$SYSCTL.new" "$SYSCTL"
  # One that this kernel does not have (conntrack before its module is loaded) is no reason to stop.
  sysctl -q -e -p "$SYSCTL" || say "some of $SYSCTL could not be set now; they are at the next boot"
  if [ -d /run/systemd/system ]; then
    mkdir -p "$(dirname "$LIMITS")"
    printf '[Service]\nLimitNOFILE=1048576\nLimitNPROC=infinity\nTasksMax=infinity\n' > "$LIMITS"
    systemctl daemon-reload
  fi
  say "kernel and limits are set"
}

check() {
  settings | while read -r name value; do
    path=/proc/sys/$(echo "$name" | tr . /)
    if [ ! -r "$path" ]; then echo "absent  $name"; continue; fi
    is=$(tr -s '\t ' ' ' < "$path")
    # Ranges are compared as they are, all else by being large enough.
    case "$name" in
      net.ipv4.ip_local_port_range | vm.swappiness) [ "$is" = "$value" ] && w=ok || w=differs ;;
      *) [ "$is" -ge "$value" ] 2>/dev/null && w=ok || w=low ;;
    esac
    echo "$w  $name = $is, wanted $value"
  done
  for port in 2375; do
    if ss -Hltn "sport = :$port" 2>/dev/null | grep -q .; then
      echo "OPEN  something listens on $port: whoever reaches it owns this machine"
    fi
  done
}

ssh_way() {
  user=${1:-}; [ -n "$user" ] || die "say for which user: sh setup.sh ssh caviada"
  id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/sh "$user"
  getent group docker >/dev/null || groupadd docker
  usermod -aG docker "$user"
  home=$(getent passwd "$user" | cut -d: -f6)
  install -d -m 700 -o "$user" -g "$(id -gn "$user")" "$home/.ssh"
  say "$user may speak to the engine, and so is root here. Give Caviada's key to it:"
  say "  restrict,command=\"docker system dial-stdio\" ssh-ed25519 AAAA... caviada  >> $home/.ssh/authorized_keys"
  say "then: caviada host set $(hostname) --driver docker --address ssh://$user@$(hostname) --ssh-key KEY --ssh-known-hosts FILE --check"
}

tls_way() {
  name=${1:-}; [ -n "$name" ] || die "say how Caviada calls this machine: sh setup.sh tls node1.lab 10.0.0.5"
  address=${2:-}
  command -v openssl >/dev/null || die "there is no openssl"
  umask 077
  mkdir -p "$DIR/client"
  cd "$DIR"
  if [ ! -f ca.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$DAYS" \
      -subj "/CN=caviada $name" -keyout ca-key.pem -out ca.pem 2>/dev/null
  fi
  names="DNS:$name,DNS:localhost,IP:127.0.0.1"
  [ -z "$address" ] || names="$names,IP:$address"
  made server "$name" "subjectAltName=$names
extendedKeyUsage=serverAuth"
  made client caviada "extendedKeyUsage=clientAuth"
  mv client-cert.pem client/cert.pem; mv client-key.pem client/key.pem; cp ca.pem client/ca.pem
  if [ -d /run/systemd/system ]; then
    # The unit names its own -H, and twice is an error: ours takes its place.
    mkdir -p /etc/systemd/system/docker.service.d
    printf '[Service]\nExecStart=\nExecStart=%s -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2376 --tlsverify --tlscacert=%s/ca.pem --tlscert=%s/server-cert.pem --tlskey=%s/server-key.pem\n' \
      "$(command -v dockerd)" "$DIR" "$DIR" "$DIR" > /etc/systemd/system/docker.service.d/61-caviada-tls.conf
    systemctl daemon-reload
    say "now: systemctl restart docker (containers without live-restore stop with it)"
  else
    say "start dockerd with: -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2376 --tlsverify --tlscacert=$DIR/ca.pem --tlscert=$DIR/server-cert.pem --tlskey=$DIR/server-key.pem"
  fi
  say "copy $DIR/client to Caviada's machine, then remove it here, and:"
  say "  caviada host set $name --driver docker --address tcp://$name:2376 --tls-ca ca.pem --tls-certificate cert.pem --tls-key key.pem --check"
}

# made WHOM NAME EXTENSIONS: WHOM-key.pem and WHOM-cert.pem, signed by our authority.
made() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$1-key.pem" -out "$1.csr" 2>/dev/null
  echo "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days "$DAYS" \
    -extfile "$1.ext" -out "$1-cert.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

case "${1:-}" in
  ssh) root; engine; tune; shift; ssh_way "$@" ;;
  tls) root; engine; tune; shift; tls_way "$@" ;;
  tune) root; tune ;;
  check) check ;;
  *) sed -n '2,12p' "$0"; exit 2 ;;
esac
