#!/bin/busybox sh
# The first process of the virtual machine: loads drivers, takes the real machine's files, read-only,
# for its own, and runs the tests. What it is to run stands in /job.sh.
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /dev /proc /sys /root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in $(cat /modules/boot); do
    insmod "/modules/$module" || echo "cannot load $module"
done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=500000,cache=loose,ro host /root
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/shm
mount -t tmpfs shm /root/dev/shm
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t tmpfs run /root/run
mkdir /root/run/tmp
cp -r /modules /bin/busybox /job.sh /root/run/
ip link set lo up
echo "kernel-test: begins"
chroot /root /run/busybox sh /run/job.sh </dev/null
echo "kernel-test: ended with $?"
poweroff -f
