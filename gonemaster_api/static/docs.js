// The page names the OpenAPI document. Swagger UI must not send it to its external validator.
const domNode = $("#swagger-ui");
SwaggerUIBundle({ url: domNode.dataset.document, domNode, deepLinking: true, validatorUrl: null, displayRequestDuration: true, docExpansion: "list" });
