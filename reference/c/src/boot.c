#include <string.h>

#include "firmware.h"
#include "messages.h"

cc_image_fault cc_check_image(const cc_image *image, const cc_verify *verify,
                              const char *hardware, uint32_t confirmed_build)
{
    cc_value values[CC_MANIFEST_FIELDS];
    /* nothing of it is looked at before it is known who says it */
    if (!verify->is_signed(verify->context, image->manifest, image->manifest_size,
                           image->signature)
        || !cc_read(&cc_manifest, image->manifest, image->manifest_size, values)) {
        return CC_IMAGE_UNSIGNED;
    }
    const cc_value *made_for = &values[CC_MANIFEST_HARDWARE];
    if (made_for->size != strlen(hardware)
        || memcmp(made_for->bytes, hardware, made_for->size) != 0) {
        return CC_IMAGE_FOREIGN;
    }
    if (values[CC_MANIFEST_BUILD].number <= confirmed_build) {
        return CC_IMAGE_OLDER;
    }
    if (!verify->has_digest(verify->context, (uint32_t)values[CC_MANIFEST_SIZE].number,
                            values[CC_MANIFEST_DIGEST].bytes)) {
        return CC_IMAGE_BROKEN;
    }
    return CC_IMAGE_GOOD;
}

cc_choice cc_choose(cc_trial *trial)
{
    if (!trial->is_on_trial) {
        return CC_START_PRESENT;
    }
    if (trial->starts >= CC_MOST_STARTS) {
        trial->is_on_trial = false;
        return CC_START_PRESENT;
    }
    trial->starts++;
    return CC_START_NEW;
}

bool cc_trial_has_failed(const cc_trial *trial, uint32_t uptime_s)
{
    return trial->is_on_trial && uptime_s >= CC_MOST_TRIAL_S;
}
