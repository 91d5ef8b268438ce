/* The camera's controls, as the uvcvideo driver has them. */
#include "fakecam.h"

static const struct control {
    uint32_t id, type;
    const char *name;
    int32_t least, most, step, usual;
    uint32_t automatic; /* the control that takes this one over */
    int32_t manual;     /* that control's value that leaves it alone */
    const char *const *menu;
} controls[CONTROLS] = {
#define LINES (const char *const[]){"Disabled", "50 Hz", "60 Hz"}
#define EXPOSURES (const char *const[]){NULL, "Manual Mode", NULL, "Aperture Priority Mode"}
    {V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", -64, 64, 1, 0, 0, 0, NULL},
    {V4L2_CID_CONTRAST, V4L2_CTRL_TYPE_INTEGER, "Contrast", 0, 95, 1, 32, 0, 0, NULL},
    {V4L2_CID_SATURATION, V4L2_CTRL_TYPE_INTEGER, "Saturation", 0, 100, 1, 55, 0, 0, NULL},
    {V4L2_CID_AUTO_WHITE_BALANCE, V4L2_CTRL_TYPE_BOOLEAN, "White Balance, Automatic", 0, 1, 1, 1, 0, 0, NULL},
    {V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, "Gain", 0, 255, 1, 64, 0, 0, NULL},
    {V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 0, 2, 1, 1, 0, 0, LINES},
    {V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CTRL_TYPE_INTEGER, "White Balance Temperature", 2800, 6500, 10,
     4600, V4L2_CID_AUTO_WHITE_BALANCE, 0, NULL},
    {V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, "Auto Exposure", 0, 3, 1, 3, 0, 0, EXPOSURES},
    {V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Exposure Time, Absolute", 3, 2047, 1, 250,
     V4L2_CID_EXPOSURE_AUTO, V4L2_EXPOSURE_MANUAL, NULL},
    {V4L2_CID_FOCUS_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Focus, Absolute", 0, 250, 5, 0, V4L2_CID_FOCUS_AUTO, 0,
     NULL},
    {V4L2_CID_FOCUS_AUTO, V4L2_CTRL_TYPE_BOOLEAN, "Focus, Automatic Continuous", 0, 1, 1, 1, 0, 0, NULL},
    {V4L2_CID_ZOOM_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Zoom, Absolute", 100, 500, 1, 100, 0, 0, NULL},
    {V4L2_CID_PRIVACY, V4L2_CTRL_TYPE_BOOLEAN, "Privacy", 0, 1, 1, 0, 0, 0, NULL},
};

void controls_reset(int32_t *values)
{
    for (int i = 0; i < CONTROLS; i++)
        values[i] = controls[i].usual;
}

/* The control that `id` names, or with the NEXT flags the one after it; NULL: none. */
static const struct control *find(uint32_t id)
{
    uint32_t next = id & (V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND);
    if (next && !(next & V4L2_CTRL_FLAG_NEXT_CTRL))
        return NULL;
    for (const struct control *c = controls; c < controls + CONTROLS; c++)
        if (next ? c->id > (id & V4L2_CTRL_ID_MASK) : c->id == id)
            return c;
    return NULL;
}

static uint32_t flags_of(const struct control *c, const int32_t *values)
{
    if (c->id == V4L2_CID_PRIVACY)
        return V4L2_CTRL_FLAG_READ_ONLY;
    const struct control *by = c->automatic ? find(c->automatic) : NULL;
    return by && values[by - controls] != c->manual ? V4L2_CTRL_FLAG_INACTIVE : 0;
}

/* What becomes of `value`: 0 and the value that the camera takes, or the reason against it. */
static int settle(const struct control *c, const int32_t *values, int32_t *value)
{
    uint32_t flags = flags_of(c, values);
    if (flags)
        return EACCES;
    if (c->menu && (*value < c->least || *value > c->most || !c->menu[*value]))
        return ERANGE;
    if (c->type == V4L2_CTRL_TYPE_BOOLEAN)
        *value = !!*value;
    *value = *value < c->least ? c->least : *value > c->most ? c->most : *value;
    *value = c->least + (*value - c->least) / c->step * c->step;
    return 0;
}

static int all_of(int32_t *values, unsigned request, struct v4l2_ext_controls *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct v4l2_ext_control *item = &list->controls[i];
        const struct control *c = find(item->id);
        int32_t value = item->value;
        list->error_idx = i;
        if (!c)
            return failed(EINVAL);
        if (request == VIDIOC_G_EXT_CTRLS) {
            item->value = list->which == V4L2_CTRL_WHICH_DEF_VAL ? c->usual : values[c - controls];
            continue;
        }
        int problem = settle(c, values, &value);
        if (problem)
            return failed(problem);
        item->value = value;
        if (request == VIDIOC_S_EXT_CTRLS)
            values[c - controls] = value;
    }
    return 0;
}

/* Answers the requests about controls; ENOTTY: not one of them. */
int controls_ioctl(int32_t *values, unsigned request, void *arg)
{
    const struct control *c;
    switch (request) {
    case VIDIOC_QUERYCTRL: {
        struct v4l2_queryctrl *q = arg;
        if (!(c = find(q->id)))
            return failed(EINVAL);
        *q = (struct v4l2_queryctrl){.id = c->id, .type = c->type, .minimum = c->least, .maximum = c->most,
            .step = c->step, .default_value = c->usual, .flags = flags_of(c, values)};
        strcpy((char *)q->name, c->name);
        return 0;
    }
    case VIDIOC_QUERY_EXT_CTRL: {
        struct v4l2_query_ext_ctrl *q = arg;
        if (!(c = find(q->id)))
            return failed(EINVAL);
        *q = (struct v4l2_query_ext_ctrl){.id = c->id, .type = c->type, .minimum = c->least,
            .maximum = c->most, .step = c->step, .default_value = c->usual, .flags = flags_of(c, values),
            .elem_size = 4, .elems = 1};
        strcpy(q->name, c->name);
        return 0;
    }
    case VIDIOC_QUERYMENU: {
        struct v4l2_querymenu *q = arg;
        c = find(q->id);
        if (!c || !c->menu || (int32_t)q->index > c->most || !c->menu[q->index])
            return failed(EINVAL);
        strcpy((char *)q->name, c->menu[q->index]);
        return 0;
    }
    case VIDIOC_G_CTRL:
    case VIDIOC_S_CTRL: {
        struct v4l2_control *one = arg;
        if (!(c = find(one->id)))
            return failed(EINVAL);
        int problem = request == VIDIOC_G_CTRL ? 0 : settle(c, values, &one->value);
        if (problem)
            return failed(problem);
        if (request == VIDIOC_G_CTRL)
            one->value = values[c - controls];
        else
            values[c - controls] = one->value;
        return 0;
    }
    case VIDIOC_G_EXT_CTRLS:
    case VIDIOC_S_EXT_CTRLS:
    case VIDIOC_TRY_EXT_CTRLS:
        return all_of(values, request, arg);
    }
    return failed(ENOTTY);
}
