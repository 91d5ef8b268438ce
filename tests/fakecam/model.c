/* What a camera can do (its model file), what it shows (files of frames), how it feels (its control
 * file), and the ways in which cheap cameras spoil a JPEG. */
#include "fakecam.h"

/* The words of the control file; an empty file (one being rewritten) changes nothing. */
void mood_read(int control, struct mood *mood)
{
    static const char *const words[] = {"ok", "stalled", "busy", "hung", "unplugged", "taken", "denied", "crowded"};
    struct mood now = {.every = 1};
    struct stat st;
    char text[256], *rest = NULL;
    ssize_t length = pread(control, text, sizeof text - 1, 0);
    if (!syscall(SYS_fstat, control, &st) && st.st_nlink == 0) {
        mood->is = UNPLUGGED;
        return;
    }
    text[length > 0 ? length : 0] = '\0';
    char *word = strtok_r(text, " \t\n", &rest);
    if (!word || mood->is == UNPLUGGED)
        return;
    for (; word; word = strtok_r(NULL, " \t\n", &rest)) {
        for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
            if (!strcmp(word, words[i]))
                now.is = i;
        if (!strncmp(word, "rate=", 5))
            now.rate = strtod(word + 5, NULL);
        else if (!strncmp(word, "every=", 6) && atoi(word + 6) > 0)
            now.every = atoi(word + 6);
        else if (!strncmp(word, "corrupt=", 8))
            snprintf(now.corrupt, sizeof now.corrupt, "%.15s", word + 8);
    }
    *mood = now;
}

/* "mode MJPG 1280 720 30/1,15/1 /path/of/frames": rates are frames per second. */
static void read_mode(struct model *model, const char *line)
{
    char fourcc[5], rates[128], *rest = NULL;
    struct mode *mode = &model->mode[model->modes];
    if (model->modes == 32
        || sscanf(line, "mode %4s %u %u %127s %4095[^\n]", fourcc, &mode->width, &mode->height, rates,
                  mode->frames) != 5)
        return;
    for (size_t at = strlen(fourcc); at < 4; at++)
        fourcc[at] = ' '; /* as in "Y16 " */
    mode->fourcc = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
    for (char *rate = strtok_r(rates, ",", &rest); rate && mode->rates < 8; rate = strtok_r(NULL, ",", &rest)) {
        struct v4l2_fract *interval = &mode->intervals[mode->rates];
        if (sscanf(rate, "%u/%u", &interval->denominator, &interval->numerator) == 2)
            mode->rates++;
    }
    model->modes += mode->rates > 0;
}

static void map_values(struct model *model, const char *path)
{
    const size_t size = CONTROLS * sizeof(int32_t);
    struct stat st;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    int fresh = !syscall(SYS_fstat, fd, &st) && st.st_size == 0;
    if (!ftruncate(fd, size)) {
        void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        model->values = map == MAP_FAILED ? NULL : map;
    }
    if (fresh && model->values)
        controls_reset(model->values);
    syscall(SYS_close, fd);
}

int model_load(struct model *model, int number)
{
    char path[PATH_MAX + 64], line[PATH_MAX + 256];
    *model = (struct model){.card = "Fake Webcam", .driver = "uvcvideo", .bus = "usb-fake"};
    snprintf(path, sizeof path, "%s/sys/class/video4linux/video%d/model", fake_root, number);
    FILE *file = NEXT(fopen)(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "card %31[^\n]", model->card);
        sscanf(line, "driver %15[^\n]", model->driver);
        sscanf(line, "bus %31[^\n]", model->bus);
        sscanf(line, "journal %4095[^\n]", model->journal);
        sscanf(line, "stamp %d", &model->stamp);
        read_mode(model, line);
    }
    fclose(file);
    strcpy(strrchr(path, '/'), "/controls");
    map_values(model, path);
    return model->modes > 0 && model->values;
}

void model_drop(struct model *model)
{
    if (model->values)
        munmap(model->values, CONTROLS * sizeof(int32_t));
}

/* A file of frames: "FAKECAM1", their number (u32, u32 0), offset and length of each (u64), the bytes. */
int album_open(struct album *album, const char *path)
{
    struct stat st;
    *album = (struct album){0};
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (!syscall(SYS_fstat, fd, &st) && st.st_size > 16) {
        void *map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED)
            *album = (struct album){.bytes = map, .size = st.st_size, .at = (void *)((char *)map + 16)};
    }
    syscall(SYS_close, fd);
    if (album->bytes && !memcmp(album->bytes, "FAKECAM1", 8))
        memcpy(&album->count, album->bytes + 8, 4);
    if (album->count && 16 + (uint64_t)album->count * 16 <= album->size)
        return 1;
    album_close(album);
    return 0;
}

void album_close(struct album *album)
{
    if (album->bytes)
        munmap(album->bytes, album->size);
    *album = (struct album){0};
}

size_t album_copy(const struct album *album, uint32_t frame, uint8_t *to, size_t room)
{
    uint64_t offset = album->at[frame].offset, length = album->at[frame].length;
    if (offset > album->size || length > album->size - offset)
        return 0;
    memcpy(to, album->bytes + offset, length < room ? length : room);
    return length < room ? length : room;
}

static unsigned big_endian(const uint8_t *at) { return at[0] << 8 | at[1]; }

/* Spoils a frame in place the way `how` says; gives its new length. */
size_t frame_spoil(uint8_t *jpeg, size_t length, const char *how, uint32_t seed)
{
    if (length < 4)
        return length;
    if (!strcmp(how, "truncated"))
        return length / 2;
    if (!strcmp(how, "noeoi"))
        return length - 2;
    if (!strcmp(how, "garbage")) {
        for (size_t i = 0; i < length; i++)
            jpeg[i] = (seed = seed * 1664525u + 1013904223u) >> 24;
        return length;
    }
    int strip = !strcmp(how, "nohuffman"), shrink = !strcmp(how, "wrongsize");
    for (size_t at = 2; at + 9 < length && jpeg[at] == 0xFF && jpeg[at + 1] != 0xDA;) {
        size_t segment = 2 + big_endian(jpeg + at + 2);
        if (at + segment > length)
            break;
        if (strip && jpeg[at + 1] == 0xC4) {
            memmove(jpeg + at, jpeg + at + segment, length - at - segment);
            length -= segment;
            continue;
        }
        if (shrink && jpeg[at + 1] >= 0xC0 && jpeg[at + 1] <= 0xC2)
            for (size_t side = at + 5; side <= at + 7; side += 2) {
                unsigned half = big_endian(jpeg + side) / 2;
                jpeg[side] = half >> 8;
                jpeg[side + 1] = half;
            }
        at += segment;
    }
    return length;
}

/* Puts a comment "FAKECAM sequence nanoseconds" into a JPEG, after its first segment. */
size_t frame_stamp(uint8_t *jpeg, size_t length, size_t room, uint32_t sequence, int64_t time)
{
    char note[64] = "\xFF\xFE";
    int size = 4 + sprintf(note + 4, "FAKECAM %010u %020lld", sequence, (long long)time);
    size_t at = length > 6 && jpeg[3] == 0xE0 ? 4 + big_endian(jpeg + 4) : 2;
    if (at > length || length + size > room)
        return length;
    note[3] = size - 2;
    memmove(jpeg + at + size, jpeg + at, length - at);
    memcpy(jpeg + at, note, size);
    return length + size;
}
