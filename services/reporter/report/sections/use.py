"""How to use the network."""

from services.reporter.report.blocks import Code, Paragraph, Section
from services.reporter.report.wording import one_line
from shared.job.result import Result
from shared.wording import enumeration

SNIPPET = """import keras
model = keras.models.load_model("model.h5", compile=False)
photo = keras.utils.img_to_array(keras.utils.load_img("photo.jpg"))
print(model.predict(photo[None].astype("uint8")))"""


def use_section(result: Result) -> Section:
    """Return the four lines that classify a photograph, and what they print."""
    order = enumeration([one_line(name) for name in result.classes], most=12)
    return Section(
        title="Use it",
        blocks=[
            Paragraph(text="Give it any photograph, of any size; resizing and scaling happen inside. In plain Keras:"),
            Code(text=SNIPPET),
            Paragraph(
                text=f"It prints one probability per class, in the order of labels.txt: {order}. With names instead, "
                f"and phone photographs turned upright: python predict.py photo.jpg"
            ),
        ],
    )
